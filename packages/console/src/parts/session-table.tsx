import type { Session } from 'curfew-client';
import { Component } from 'preact';
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { isLostPlace } from '../app/api.ts';
import type { List } from '../app/list.ts';
import { type Named, useNames } from '../app/names.ts';
import { linkTo } from '../app/router.ts';
import { me } from '../app/who.ts';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';
import { Problem } from './problem.tsx';
import type { Selection } from './selection.ts';
import { actorText, DeviceIcon, deviceText, Given, reasonText, Time, UserLink, userText } from './things.tsx';
import { useRows } from './virtual.ts';

type Props = {
  list: List<Session>;
  /** Which sessions it lists: ended ones have a reason. */
  status: Session['status'];
  /** Without it, none can be chosen. */
  selection?: Selection | undefined;
  /** Without it, none can be ended. */
  onEnd?: ((session: Session) => void) | undefined;
  /** The list is of one user, who is named elsewhere. */
  ofUser?: boolean | undefined;
};

/** A row that only takes up room. */
const unread = { 'aria-hidden': true } as const;

/** How high a row is assumed to be before it is drawn, in pixels. */
const height = 53;

/** Sessions as a table of any length: only the rows near the window are drawn. */
export function SessionTable({ list, status, selection, onEnd, ofUser }: Props) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [margin, setMargin] = useState(0);
  const rows = useRows({ count: list.count, height, margin });
  useLayoutEffect(() => {
    // Asking where something is makes the browser lay out the page at once, and nothing above it moves meanwhile.
    if (rows.isScrolling) return;
    const top = body.current!.getBoundingClientRect().top + window.scrollY;
    if (Math.abs(top - margin) > 1) setMargin(top);
  });
  // The next page is asked for before its place is reached.
  const last = rows.items.at(-1)?.index ?? -1;
  const near = list.hasMore && last >= list.count - 30 && list.error === undefined && !list.isOld;
  useLayoutEffect(() => {
    if (near) list.more();
  }, [near, list.count, list.isFetching]);

  const shown = rows.items.flatMap(({ index }) => list.row(index) ?? []);
  const named = useNames(shown.map(({ userId }) => userId));
  // What a row calls stays the same, so that a row is drawn anew only when something of its own changes.
  const latest = useRef({ selection, onEnd });
  latest.current = { selection, onEnd };
  const acts = useMemo<Acts>(
    () => ({
      choose: (session, chosen) => latest.current.selection?.set(session, chosen),
      end: (session) => latest.current.onEnd?.(session),
    }),
    [],
  );
  const { columns } = t.sessions;
  let end = margin;
  return (
    <div class={`table sessions${list.isOld ? ' old' : ''}`}>
      <table aria-rowcount={list.hasMore ? -1 : list.count + 1} aria-busy={list.isOld || undefined}>
        <caption class="unseen">{t.sessions.list}</caption>
        <thead>
          <tr aria-rowindex={1}>
            {selection && (
              <th scope="col" class="choose">
                <input
                  type="checkbox"
                  aria-label={t.sessions.chooseAll}
                  checked={selection.mode === 'all' && !selection.isPartial}
                  indeterminate={selection.isPartial}
                  onChange={(event) => selection.setAll(event.currentTarget.checked)}
                />
              </th>
            )}
            <th scope="col">{columns.device}</th>
            {!ofUser && <th scope="col">{columns.user}</th>}
            <th scope="col">{columns.from}</th>
            {status === 'ended' ? (
              <>
                <th scope="col">{columns.reason}</th>
                <th scope="col">{columns.by}</th>
                <th scope="col">{columns.ended}</th>
              </>
            ) : (
              <>
                <th scope="col">{columns.created}</th>
                <th scope="col">{columns.seen}</th>
              </>
            )}
            {onEnd && (
              <th scope="col">
                <span class="unseen">{t.sessions.end}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody
          ref={body}
          onFocusCapture={(event) => {
            const row = (event.target as Element).closest('tr')?.dataset['index'];
            rows.hold(row === undefined ? undefined : Number(row));
          }}
        >
          {rows.items.map(({ index, start, end: bottom }) => {
            const gap = start - end;
            end = bottom;
            const session = list.row(index);
            return [
              gap > 0 && <tr class="gap" {...unread} key={`gap-${index}`} style={{ blockSize: `${gap}px` }} />,
              <Row
                key={index}
                user={session && named(session.userId)}
                by={status === 'ended' && session ? actorText(session.endedBy, named) : undefined}
                chosen={session && selection?.has(session.id)}
                mayEnd={onEnd !== undefined}
                {...{ index, session, status, ofUser, acts, measure: rows.measure }}
              />,
            ];
          })}
          {rows.after > 0 && <tr class="gap" {...unread} style={{ blockSize: `${rows.after}px` }} />}
        </tbody>
      </table>
      {list.error !== undefined && (
        <Problem error={list.error} onAgain={list.count > 0 && !isLostPlace(list.error) ? list.more : list.again} />
      )}
      {list.isFetching && list.count > 0 && !list.isOld && (
        <p class="more" role="status">
          <span class="spinner" aria-hidden="true" />
          {list.partial ? t.sessions.searching : t.common.loading}
        </p>
      )}
    </div>
  );
}

type Acts = { choose(session: Session, chosen: boolean): void; end(session: Session): void };

type RowProps = Pick<Props, 'status' | 'ofUser'> & {
  index: number;
  session: Session | undefined;
  user: Named | undefined;
  /** Who has ended it, in a list of ended ones. */
  by: string | undefined;
  /** `undefined`: it cannot be chosen. */
  chosen: boolean | undefined;
  mayEnd: boolean;
  acts: Acts;
  measure(row: Element | null): void;
};

/** The list is drawn at every step of a scroll, and most of its rows stay as they are. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    return (Object.keys(next) as (keyof RowProps)[]).some((key) => next[key] !== this.props[key]);
  }

  render({ index, session, status, ofUser, user: named, by, chosen, mayEnd, acts, measure }: RowProps) {
    if (!session) {
      return (
        <tr {...unread} data-index={index} ref={measure}>
          <td colSpan={9} />
        </tr>
      );
    }
    const { columns } = t.sessions;
    const device = deviceText(session);
    const user = userText(session.userId, named);
    const name = [device, ofUser ? '' : user, session.ip].filter(Boolean).join(', ');
    const own = session.id === me.get()?.session?.id;
    const over = session.status === 'ended' && status !== 'ended';
    return (
      <tr data-index={index} aria-rowindex={index + 2} ref={measure} class={over ? 'over' : undefined}>
        {chosen !== undefined && (
          <td class="choose">
            <input
              type="checkbox"
              aria-label={t.sessions.choose(name)}
              checked={!over && chosen}
              disabled={over}
              onChange={(event) => acts.choose(session, event.currentTarget.checked)}
            />
          </td>
        )}
        <th scope="row">
          <a class="with-icon" href={linkTo(['sessions', session.id])} aria-label={name}>
            <DeviceIcon device={session.device} />
            <span class="device">{device}</span>
          </a>
          {own && <span class="badge">{t.sessions.thisOne}</span>}
          {over && <span class="badge over">{t.common.status.ended}</span>}
        </th>
        {!ofUser && (
          <td data-label={columns.user}>
            <UserLink id={session.userId} named={named} />
          </td>
        )}
        <td data-label={columns.from}>
          {session.ip && (
            <a class="address" href={linkTo(['sessions'], { ip: session.ip })}>
              <Given text={session.ip} />
            </a>
          )}
        </td>
        {by === undefined ? <WhenCells session={session} /> : <WhyCells session={session} by={by} />}
        {mayEnd && (
          <td class="do">
            {!over && (
              <Button kind="quiet" icon="end" bare onClick={() => acts.end(session)} title={t.sessions.endOne(name)}>
                {t.sessions.endOne(name)}
              </Button>
            )}
          </td>
        )}
      </tr>
    );
  }
}

function WhenCells({ session }: { session: Session }) {
  const { columns } = t.sessions;
  return (
    <>
      <td data-label={columns.created}>
        <Time at={session.createdAt} />
      </td>
      <td data-label={columns.seen}>
        <Time at={session.lastSeenAt} away />
      </td>
    </>
  );
}

function WhyCells({ session, by }: { session: Session; by: string }) {
  const { columns } = t.sessions;
  return (
    <>
      <td data-label={columns.reason}>{reasonText(session.endReason)}</td>
      <td data-label={columns.by}>
        <bdi>{by}</bdi>
      </td>
      <td data-label={columns.ended}>{session.endedAt && <Time at={session.endedAt} />}</td>
    </>
  );
}
