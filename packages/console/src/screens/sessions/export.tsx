import type { Session } from 'curfew-client';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../../app/api.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { csvLine, csvStart, download } from '../../parts/download.ts';
import type { Filters } from '../../parts/end-dialog.tsx';
import { Problem } from '../../parts/problem.tsx';
import { t } from '../../texts/index.ts';

type Form = 'csv' | 'json';

type Props = { filters: Omit<Filters, 'status'> & { status: Session['status'] }; onClose(): void };

/** Reads everything that matches and saves it as a file; what was read is kept if a page fails. */
export function Export({ filters, onClose }: Props) {
  const [form, setForm] = useState<Form>();
  const [read, setRead] = useState(0);
  const [error, setError] = useState<unknown>();
  const [isDone, setDone] = useState(false);
  const gone = useRef(new AbortController());
  const position = useRef<{ cursor: string | undefined; parts: string[] }>({ cursor: undefined, parts: [] });
  useEffect(() => () => gone.current.abort(), []);

  const run = async (as: Form) => {
    setForm(as);
    setError(undefined);
    const { signal } = gone.current;
    const { parts } = position.current;
    try {
      for (;;) {
        const { cursor } = position.current;
        const page = await api.listSessions({ ...filters, limit: 100, cursor }, { signal });
        for (const session of page.sessions) parts.push(as === 'csv' ? csvOf(session) : JSON.stringify(session));
        setRead(parts.length);
        position.current.cursor = page.nextCursor;
        if (page.nextCursor === undefined) break;
      }
      save(as, parts);
      setDone(true);
    } catch (thrown) {
      if (!signal.aborted) setError(thrown);
    }
  };

  const texts = t.sessions.exporting;
  return (
    <Dialog title={texts.title} onClose={onClose}>
      {form === undefined ? (
        <>
          <p>{texts.text}</p>
          <footer>
            <Button icon="download" onClick={() => void run('csv')}>
              {texts.csv}
            </Button>
            <Button icon="download" onClick={() => void run('json')}>
              {texts.json}
            </Button>
          </footer>
        </>
      ) : (
        <>
          <p role="status">{isDone ? texts.done(read) : texts.progress(read)}</p>
          {error !== undefined && <Problem error={error} onAgain={() => void run(form)} />}
          <footer>
            <Button kind={isDone ? 'main' : 'plain'} onClick={onClose}>
              {isDone ? t.common.close : t.common.cancel}
            </Button>
          </footer>
        </>
      )}
    </Dialog>
  );
}

const columns = [
  'id',
  'userId',
  'status',
  'device',
  'os',
  'ip',
  'accessGroups',
  'name',
  'createdAt',
  'lastSeenAt',
  'expiresAt',
  'idleExpiresAt',
  'endedAt',
  'endReason',
  'endedBy',
  'userAgent',
  'metadata',
] as const;

function csvOf(session: Session): string {
  const { device, accessGroups, metadata } = session;
  const values: Record<string, unknown> = {
    ...session,
    device: device.name,
    os: device.os?.name,
    accessGroups: accessGroups.join(' '),
    metadata: JSON.stringify(metadata),
  };
  return csvLine(columns.map((column) => values[column]));
}

function save(form: Form, parts: readonly string[]): void {
  const text = form === 'csv' ? csvStart + csvLine(columns) + parts.join('') : `[${parts.join(',\n')}]\n`;
  download(`${t.sessions.exporting.file}.${form}`, text);
}
