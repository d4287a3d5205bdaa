import { useRef, useState } from 'preact/hooks';
import type { CallOptions } from '../app/api.ts';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';
import { Field } from './field.tsx';
import { ChangeProblem } from './problem.tsx';
import { useStep } from './step.ts';
import { Given } from './things.tsx';

type Change = { add?: string[]; remove?: string[] };

type Props = {
  groups: readonly string[];
  /** Without it, they are only shown. */
  onChange?: ((change: Change, options: CallOptions) => Promise<string>) | undefined;
};

/** Access groups, each with a button to remove it, and a field to add one. */
export function Groups({ groups, onChange }: Props) {
  const [added, setAdded] = useState('');
  const [missing, setMissing] = useState(false);
  const { busy, error, run, clear } = useStep();
  const [said, setSaid] = useState('');
  const form = useRef<HTMLFormElement>(null);

  const change = async (what: Change) => {
    setSaid('');
    const done = await run((options) => onChange!(what, options));
    if (done) {
      setSaid(done.result);
      setAdded('');
    }
    // The button that was pressed may be gone.
    form.current?.querySelector('input')?.focus();
  };

  return (
    <div class="groups">
      {groups.length === 0 ? (
        <p class="dim">{t.session.groups.none}</p>
      ) : (
        <ul class="chips">
          {groups.map((group) => (
            <li key={group}>
              <Given text={group} />
              {onChange && (
                <Button kind="quiet" icon="close" bare busy={busy} onClick={() => void change({ remove: [group] })}>
                  {t.session.groups.remove(group)}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      {onChange && (
        <form
          ref={form}
          class="beside"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            setMissing(added.trim() === '');
            if (added.trim() !== '' && !busy) void change({ add: [added.trim()] });
          }}
        >
          <Field
            label={t.session.groups.add}
            error={missing ? t.session.groups.nothing : undefined}
            autoComplete="off"
            autoCapitalize="none"
            spellcheck={false}
            maxLength={128}
            value={added}
            onValue={setAdded}
          />
          <Button type="submit" busy={busy}>
            {t.session.groups.addButton}
          </Button>
        </form>
      )}
      <p role="status" class={said ? 'good' : 'unseen'}>
        {said}
      </p>
      {error !== undefined && <ChangeProblem error={error} onLook={clear} />}
    </div>
  );
}
