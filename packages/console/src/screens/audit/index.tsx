import type { Event } from 'curfew-client';
import { useEffect, useState } from 'preact/hooks';
import { api } from '../../app/api.ts';
import { type Named, useNames } from '../../app/names.ts';
import { usePages } from '../../app/pages.ts';
import { go, linkTo } from '../../app/router.ts';
import type { ScreenProps } from '../../app/screens.ts';
import { Button } from '../../parts/button.tsx';
import { csvLine, csvStart, download } from '../../parts/download.ts';
import { Field } from '../../parts/field.tsx';
import { More } from '../../parts/more.tsx';
import { Page } from '../../parts/page.tsx';
import { Problem } from '../../parts/problem.tsx';
import { Empty, Loading } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { actorText, Given, Time, UserLink } from '../../parts/things.tsx';
import { t } from '../../texts/index.ts';
import { type Gap, type Live, useLive } from './live.ts';

/** What somebody has chosen, as it stands in the URL. */
const filters = ['types', 'user', 'actor', 'since', 'until'] as const;
type Filter = Partial<Record<(typeof filters)[number], string>>;

export default function Audit({ query }: ScreenProps) {
  const filter: Filter = Object.fromEntries(filters.map((name) => [name, query[name]]).filter(([, value]) => value));
  const asked = { ...filter, since: moment(filter.since), until: moment(filter.until) };
  // Nothing new can be before a time that has passed.
  const live = useLive(asked, filter.until === undefined);
  const pages = usePages({
    key: ['events', asked],
    ask: (cursor, signal) => api.listEvents({ ...asked, limit: 100, cursor }, { signal }),
    keep: true,
  });
  const shown = useShown(
    live,
    pages.data?.flatMap((page) => page.events),
    JSON.stringify(asked),
  );
  useEffect(() => {
    // What happened while nobody listened is only in the list.
    if (live.opened > 0) pages.again();
  }, [live.opened]);
  return (
    <Page
      title={t.audit.title}
      intro={t.audit.intro}
      actions={shown.rows && shown.rows.length > 0 && <Export rows={shown.rows} />}
    >
      <Filters filter={filter} />
      <p class="live" role="status">
        <span class={`status ${live.state === 'open' ? 'active' : 'ended'}`}>
          {filter.until === undefined ? t.audit.live[live.state] : t.audit.live.past}
        </span>
        {shown.hidden > 0 && (
          <Button kind="main" onClick={shown.show}>
            {t.audit.showNew(shown.hidden)}
          </Button>
        )}
      </p>
      {pages.isPending && <Loading />}
      {pages.error && !shown.rows && <Problem error={pages.error} page onAgain={pages.again} />}
      {shown.rows?.length === 0 && !pages.hasMore && (
        <Empty icon="audit" title={t.audit.empty.title}>
          <p>{Object.keys(filter).length > 0 ? t.audit.empty.filtered : t.audit.empty.text}</p>
        </Empty>
      )}
      {shown.rows && (
        <>
          {shown.rows.length > 0 && <List rows={shown.rows} isOld={pages.isOld} />}
          <More {...pages}>{pages.data?.at(-1)?.partial && <p class="dim">{t.audit.partial}</p>}</More>
        </>
      )}
    </Page>
  );
}

type Row = Event | Gap;
const isGap = (row: Row): row is Gap => 'before' in row;
const placeOf = (row: Row) => (isGap(row) ? row.before - 0.5 : row.sequence);

/**
 * What is on the page: new events wait until somebody asks for them, so that nothing moves under a pointer. `key` names
 * the question that the list answers.
 */
function useShown({ news, take }: Live, listed: readonly Event[] | undefined, key: string) {
  const [kept, keep] = useState<{ key: string; rows: readonly Row[] }>({ key, rows: [] });
  // Those of another question may not match this one.
  const taken = kept.key === key ? kept.rows : [];
  const known = new Set([...taken, ...(listed ?? [])].map(placeOf));
  const hidden = news.filter((row) => !known.has(placeOf(row)));
  const rows = listed && uniqueByPlace([...taken, ...listed]);
  return {
    rows,
    hidden: hidden.length,
    show() {
      keep({ key, rows: [...hidden, ...taken] });
      take();
    },
  };
}

function uniqueByPlace(rows: readonly Row[]): Row[] {
  const byPlace = new Map(rows.map((row) => [placeOf(row), row]));
  return [...byPlace.values()].sort((a, b) => placeOf(b) - placeOf(a));
}

function Filters({ filter }: { filter: Filter }) {
  const set = (change: Filter) => go(linkTo(['audit'], { ...filter, ...change }), 'replace');
  return (
    <search class="filters many">
      <div class="field">
        <label for="audit-types">{t.audit.type}</label>
        <select
          id="audit-types"
          value={filter.types ?? ''}
          onChange={(event) => set({ types: event.currentTarget.value })}
        >
          <option value="">{t.audit.everyType}</option>
          {Object.entries(t.audit.types).map(([type, text]) => (
            <option value={type} key={type}>
              {text}
            </option>
          ))}
        </select>
      </div>
      <Field label={t.audit.user} value={filter.user ?? ''} onValue={(user) => set({ user })} maxLength={255} />
      <Field
        label={t.audit.actor}
        hint={t.audit.actorHint}
        value={filter.actor ?? ''}
        onValue={(actor) => set({ actor })}
        maxLength={260}
      />
      <Field
        type="datetime-local"
        label={t.audit.since}
        value={filter.since ?? ''}
        onValue={(since) => set({ since })}
      />
      <Field
        type="datetime-local"
        label={t.audit.until}
        value={filter.until ?? ''}
        onValue={(until) => set({ until })}
      />
      <div class="actions">
        <Button onClick={() => set(dayBefore(0))}>{t.audit.today}</Button>
        <Button onClick={() => set(dayBefore(1))}>{t.audit.yesterday}</Button>
        {Object.keys(filter).length > 0 && (
          <Button kind="quiet" icon="close" onClick={() => go(linkTo(['audit']), 'replace')}>
            {t.audit.clear}
          </Button>
        )}
      </div>
    </search>
  );
}

/** A whole day by the wall clock of this browser, so many days ago; today has no end. */
function dayBefore(days: number): Pick<Filter, 'since' | 'until'> {
  const midnight = (ago: number) => {
    const now = new Date();
    const at = new Date(now.getFullYear(), now.getMonth(), now.getDate() - ago);
    const two = (value: number) => String(value).padStart(2, '0');
    return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T00:00`;
  };
  return { since: midnight(days), until: days === 0 ? '' : midnight(days - 1) };
}

/** From the wall clock of this browser to the API's form; `undefined` while it is no time. */
function moment(local: string | undefined): string | undefined {
  const at = local === undefined ? Number.NaN : new Date(local).getTime();
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

function List({ rows, isOld }: { rows: readonly Row[]; isOld: boolean }) {
  const { columns } = t.audit;
  const events = rows.filter((row): row is Event => !isGap(row));
  const named = useNames(events.flatMap(({ userId = '', by }) => [userId, by.replace(/^user:/, '')]));
  return (
    <Table
      caption={t.audit.list}
      columns={[columns.what, columns.user, columns.by, columns.details, columns.at]}
      isOld={isOld}
    >
      {rows.map((row) =>
        isGap(row) ? (
          <GapRow gap={row} key={placeOf(row)} />
        ) : (
          <EventRow event={row} named={named} key={row.sequence} />
        ),
      )}
    </Table>
  );
}

function EventRow({ event, named }: { event: Event; named(id: string): Named | undefined }) {
  const { columns } = t.audit;
  return (
    <tr>
      <th scope="row">
        {t.audit.types[event.type]}
        {event.reason && event.reason !== 'everyone' && event.reason !== 'all_of_user' && (
          <span class="sub dim">{t.common.reason[event.reason]}</span>
        )}
      </th>
      <td data-label={columns.user}>
        {event.userId !== undefined && <UserLink id={event.userId} named={named(event.userId)} />}
      </td>
      <td data-label={columns.by}>
        <Actor by={event.by} named={named} />
      </td>
      <td data-label={columns.details}>
        {event.sessionId && <a href={linkTo(['sessions', event.sessionId])}>{t.audit.toSession}</a>}
        <Details details={event.details} />
      </td>
      <td data-label={columns.at}>
        <Time at={event.at} />
      </td>
    </tr>
  );
}

/** A person by name; a key by its id, which is long, below what it is. */
function Actor({ by, named }: { by: string; named(id: string): Named | undefined }) {
  const [, key] = /^key:(.*)$/.exec(by) ?? [];
  if (key === undefined) return <bdi>{actorText(by, named)}</bdi>;
  return (
    <>
      {t.audit.key}
      <span class="sub dim">
        <code>{key}</code>
      </span>
    </>
  );
}

function Details({ details }: Pick<Event, 'details'>) {
  const entries = Object.entries(details ?? {}).filter(([, value]) => value !== undefined);
  if (entries.length === 0) return null;
  return (
    <span class="sub dim" lang="en">
      <Given text={entries.map(([name, value]) => `${name}: ${shortly(value)}`).join(' · ')} />
    </span>
  );
}

const shortly = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

function GapRow({ gap: { after, before, reason } }: { gap: Gap }) {
  return (
    <tr class="missing">
      <td colSpan={5}>{t.audit.gap[reason](before - after - 1)}</td>
    </tr>
  );
}

const columns = ['sequence', 'at', 'type', 'by', 'userId', 'sessionId', 'reason', 'details'] as const;
const cellOf = (event: Event, column: (typeof columns)[number]) =>
  column === 'details' ? JSON.stringify(event.details ?? {}) : event[column];

/** What is listed, as a file. */
function Export({ rows }: { rows: readonly Row[] }) {
  const events = rows.filter((row): row is Event => !isGap(row));
  const name = `curfew-audit-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}`;
  return (
    <>
      <Button
        icon="download"
        onClick={() =>
          download(
            `${name}.csv`,
            csvStart +
              [columns, ...events.map((event) => columns.map((column) => cellOf(event, column)))].map(csvLine).join(''),
          )
        }
      >
        CSV
      </Button>
      <Button icon="download" onClick={() => download(`${name}.json`, JSON.stringify(events, undefined, 2))}>
        JSON
      </Button>
    </>
  );
}
