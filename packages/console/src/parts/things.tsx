import type { Session } from 'curfew-client';
import type { Named } from '../app/names.ts';
import { linkTo } from '../app/router.ts';
import { me } from '../app/who.ts';
import { distance, fullTime, shortTime, visible } from '../texts/forms.ts';
import { t } from '../texts/index.ts';
import { Icon, type IconName } from './icon.tsx';

/*
 * How the things of the domain look everywhere: people, devices, times, statuses.
 */

/** A text that somebody else has chosen: it cannot change the direction of what is around it. */
export function Given({ text, class: name }: { text: string; class?: string }) {
  return (
    <bdi class={name ? `given ${name}` : 'given'} title={visible(text)}>
      {visible(text)}
    </bdi>
  );
}

/** A person, by the name that people know. */
export function UserLink({ id, named }: { id: string; named?: Named | undefined }) {
  return (
    <a class="user" href={linkTo(['users', id])}>
      <Given text={named?.name ?? named?.username ?? id} />
    </a>
  );
}

export const userText = (id: string, named: Named | undefined): string => visible(named?.name ?? named?.username ?? id);

/** «Firefox on Windows», as plain text. */
export function deviceText({ device, userAgent }: Pick<Session, 'device' | 'userAgent'>): string {
  const { name, os, model } = device;
  const system = os?.name ?? model;
  if (name && system) return t.common.device.on(visible(name), visible(system));
  return visible(name ?? system ?? userAgent ?? '') || t.common.device.unknown;
}

const icons: Readonly<Record<string, IconName>> = {
  browser: 'desktop',
  mobile: 'devices',
  tablet: 'tablet',
  program: 'program',
};

export function DeviceIcon({ device }: Pick<Session, 'device'>) {
  return <Icon name={icons[device.type] ?? 'unknown'} />;
}

/** A moment, short; the whole of it on hovering, and for machines. */
export function Time({ at, away }: { at: string; away?: boolean }) {
  return (
    <time dateTime={at} onPointerEnter={showFullTime}>
      {away ? distance(at) : shortTime(at)}
    </time>
  );
}

/** Only when somebody points at it: a long list has hundreds of them. */
function showFullTime({ currentTarget }: { currentTarget: HTMLTimeElement }) {
  currentTarget.title = fullTime(currentTarget.dateTime);
}

export function Status({ status }: Pick<Session, 'status'>) {
  return <span class={`status ${status}`}>{t.common.status[status]}</span>;
}

/** `user:…`, `key:…`, `policy` or `library`, as plain text. */
export function actorText(actor: string | undefined, named?: (id: string) => Named | undefined): string {
  if (actor === undefined) return t.common.unknown;
  const [kind, ...rest] = actor.split(':');
  const id = rest.join(':');
  if (kind === 'user') {
    const known = named?.(id);
    return id === me.get()?.account?.id ? t.common.somebody.you : t.common.somebody.user(userText(id, known));
  }
  if (kind === 'key') return t.common.somebody.key(id);
  if (kind === 'policy') return t.common.somebody.policy;
  return kind === 'library' ? t.common.somebody.library : visible(actor);
}

export function reasonText(reason: Session['endReason']): string {
  return reason === undefined ? t.common.unknown : t.common.reason[reason];
}
