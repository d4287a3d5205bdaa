import type { Session } from 'curfew-client';
import { useEffect, useState } from 'preact/hooks';
import { api } from '../../app/api.ts';
import { type List, useList } from '../../app/list.ts';
import { useNames } from '../../app/names.ts';
import { linkTo, type Query } from '../../app/router.ts';
import type { ScreenProps } from '../../app/screens.ts';
import { may } from '../../app/who.ts';
import { Button } from '../../parts/button.tsx';
import { EndEveryone, EndMatching, EndOne, EndSome, type Filters } from '../../parts/end-dialog.tsx';
import { useEndedElsewhere } from '../../parts/ended-elsewhere.ts';
import { Page } from '../../parts/page.tsx';
import { Problem } from '../../parts/problem.tsx';
import { ReadAgain, ReadAt } from '../../parts/read-at.tsx';
import { type Selection, useSelection } from '../../parts/selection.ts';
import { SessionTable } from '../../parts/session-table.tsx';
import { Empty, Loading } from '../../parts/states.tsx';
import { userText } from '../../parts/things.tsx';
import { name } from '../../texts/forms.ts';
import { t } from '../../texts/index.ts';
import { Export } from './export.tsx';
import { FilterBar, filterNames } from './filters.tsx';

const tabs = ['active', 'suspended', 'ended'] as const;
type Tab = (typeof tabs)[number];

/** How many sessions one page of the list has: as many as the server sends at once. */
const pageSize = 100;
/** How many sessions the server can leave out of a count. */
const mostExceptions = 100;

type Open =
  | 'matching'
  | 'everyone'
  | 'export'
  | { end: Session }
  /** Choosing is over once they have ended; the dialog keeps what it was opened for. */
  | { chosen: readonly Session[]; mode: Selection['mode'] }
  | undefined;

/** Who is signed in where, and out. */
export default function Sessions({ query }: ScreenProps) {
  const status: Tab = tabs.find((tab) => tab === query['status']) ?? 'active';
  const given = Object.fromEntries(filterNames.flatMap((field) => (query[field] ? [[field, query[field]]] : [])));
  const filters = { status, ...given };
  const key = JSON.stringify(filters);
  const list = useList<Session>(
    key,
    async (cursor, signal) => {
      const page = await api.listSessions({ ...filters, limit: pageSize, cursor }, { signal });
      return { ...page, rows: page.sessions };
    },
    status,
  );
  useEndedElsewhere(list);
  const selection = useSelection();
  useEffect(() => selection.clear(), [key]);
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);

  const mayEnd = may('sessions.end') && status !== 'ended';
  const isFiltered = Object.keys(given).length > 0;
  const markEnded = (ids: ReadonlySet<string> | 'all') => {
    list.change((session) => (ids === 'all' || ids.has(session.id) ? { ...session, status: 'ended' } : session));
    selection.clear();
  };
  return (
    <Page
      title={t.sessions.title}
      actions={
        <>
          <Button icon="download" onClick={() => setOpen('export')}>
            {t.sessions.exportAs}
          </Button>
          {mayEnd && (
            <Button icon="end" kind="plain" onClick={() => setOpen(isFiltered ? 'matching' : 'everyone')}>
              {isFiltered ? t.sessions.endAll : t.sessions.endEverybody}
            </Button>
          )}
        </>
      }
    >
      <Tabs status={status} query={query} />
      <FilterBar query={query} />
      {list.isPending && list.error === undefined && <Loading />}
      {list.isPending && list.error !== undefined && <Problem error={list.error} page onAgain={list.again} />}
      {!list.isPending && (
        <>
          <Summary list={list} isFiltered={isFiltered} />
          {list.count === 0 && !list.hasMore ? (
            <None status={status} isFiltered={isFiltered} />
          ) : (
            <SessionTable
              list={list}
              status={status}
              selection={mayEnd ? selection : undefined}
              onEnd={mayEnd ? (session) => setOpen({ end: session }) : undefined}
            />
          )}
        </>
      )}
      {!selection.isEmpty && (
        <Chosen
          selection={selection}
          onEnd={() => setOpen({ chosen: [...selection.others.values()], mode: selection.mode })}
        />
      )}
      <Dialogs
        {...{ open, filters, close, markEnded }}
        onManyEnded={() => {
          // Which ones were among those that matched is for the server to say.
          selection.clear();
          list.again();
        }}
      />
    </Page>
  );
}

function Tabs({ status, query }: { status: Tab; query: Query }) {
  return (
    <nav class="tabs" aria-label={t.sessions.tabs.label}>
      {tabs.map((tab) => (
        <a
          href={linkTo(['sessions'], { ...query, status: tab === 'active' ? undefined : tab })}
          aria-current={tab === status ? 'page' : undefined}
          key={tab}
        >
          {t.sessions.tabs[tab]}
        </a>
      ))}
    </nav>
  );
}

/** How many there are, when that was so, and how to read it anew: a list does not change by itself. */
function Summary({ list, isFiltered }: { list: List<Session>; isFiltered: boolean }) {
  const texts = t.sessions;
  const number = list.total ?? (list.hasMore ? undefined : list.count);
  return (
    <div class="summary">
      <p role="status">
        <strong>
          {number === undefined
            ? texts.matchingAtLeast(list.count)
            : isFiltered
              ? texts.searched(number)
              : texts.matching(number)}
        </strong>{' '}
        <ReadAt list={list} />
      </p>
      <ReadAgain list={list} />
    </div>
  );
}

function None({ status, isFiltered }: { status: Tab; isFiltered: boolean }) {
  const texts = t.sessions;
  const byStatus = { active: texts.empty, suspended: texts.emptySuspended, ended: texts.emptyEnded };
  const { title, text } = isFiltered ? texts.emptyFiltered : byStatus[status];
  return (
    <Empty icon={isFiltered ? 'search' : 'sessions'} title={title}>
      <p>{text}</p>
      {isFiltered && (
        <a class="button" href={linkTo(['sessions'], status === 'active' ? {} : { status })}>
          {texts.filters.clear}
        </a>
      )}
    </Empty>
  );
}

/** What was chosen, at the foot of the window. */
function Chosen({ selection, onEnd }: { selection: Selection; onEnd(): void }) {
  const texts = t.sessions.chosen;
  const number = selection.others.size;
  const tooMany = selection.mode === 'all' && number > mostExceptions;
  return (
    <section class="chosen" aria-label={texts.label}>
      <p role="status">
        {selection.mode === 'some' ? texts.some(number) : number === 0 ? texts.all : texts.except(number)}
        {tooMany && <span class="error"> {texts.tooManyExceptions}</span>}
      </p>
      <Button kind="quiet" onClick={selection.clear}>
        {texts.clear}
      </Button>
      <Button kind="danger" icon="end" disabled={tooMany} onClick={onEnd}>
        {texts.end}
      </Button>
    </section>
  );
}

type DialogsProps = {
  open: Open;
  filters: { status: Tab } & Omit<Filters, 'status'>;
  close(): void;
  markEnded(ids: ReadonlySet<string> | 'all'): void;
  onManyEnded(): void;
};

function Dialogs({ open, filters, close, markEnded, onManyEnded }: DialogsProps) {
  const chosen = typeof open === 'object' && 'chosen' in open ? open.chosen : [];
  const named = useNames(chosen.map(({ userId }) => userId));
  const toCount: Filters = { ...filters, status: filters.status === 'ended' ? undefined : filters.status };
  if (open === undefined) return null;
  if (open === 'export') return <Export filters={filters} onClose={close} />;
  if (open === 'everyone') return <EndEveryone onClose={close} onEnded={() => markEnded('all')} />;
  if (open === 'matching') return <EndMatching filters={toCount} onClose={close} onEnded={onManyEnded} />;
  if ('end' in open) return <EndOneNamed session={open.end} onClose={close} onEnded={markEnded} />;
  if (open.mode === 'all') {
    const except = chosen.map(({ id }) => id);
    return <EndMatching filters={toCount} except={except} onClose={close} onEnded={onManyEnded} />;
  }
  if (chosen.length === 1) return <EndOneNamed session={chosen[0]!} onClose={close} onEnded={markEnded} />;
  return (
    <EndSome
      sessions={chosen}
      users={usersOf(chosen, (id) => userText(id, named(id)))}
      onClose={close}
      onEnded={markEnded}
    />
  );
}

function EndOneNamed(props: { session: Session; onClose(): void; onEnded(ids: ReadonlySet<string>): void }) {
  const { userId } = props.session;
  const named = useNames([userId]);
  return <EndOne {...props} user={userText(userId, named(userId))} />;
}

/** How many names a text lists before it counts the rest. */
const listed = 5;

function usersOf(sessions: readonly Session[], nameOf: (id: string) => string): string {
  const users = [...new Set(sessions.map(({ userId }) => userId))];
  const names = users.slice(0, listed).map((id) => name(nameOf(id)));
  const rest = users.length - names.length;
  return rest > 0 ? `${names.join(', ')} ${t.sessions.dialog.andMore(rest)}` : names.join(', ');
}
