import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Permission } from '../app/who.ts';
import { t } from '../texts/index.ts';
import { Icon, type IconName } from './icon.tsx';

/** Milliseconds after which a person should be told that it is still going on. */
const long = 4000;

/** Grey lines in the shape of what is coming. `lines`: how many. */
export function Loading({ lines = 6 }: { lines?: number }) {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), long);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="loading" aria-busy="true">
      <p class={slow ? 'dim' : 'unseen'} role="status">
        {slow ? t.common.stillLoading : t.common.loading}
      </p>
      {Array.from({ length: lines }, (_, i) => (
        <div class="bone" key={i} aria-hidden="true" />
      ))}
    </div>
  );
}

type EmptyProps = {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
  /** It is all that the page shows. */
  page?: boolean | undefined;
};

export function Empty({ icon, title, children, page }: EmptyProps) {
  return (
    <div class="empty">
      <Icon name={icon} />
      {page ? <h1 tabIndex={-1}>{title}</h1> : <h2>{title}</h2>}
      {children}
    </div>
  );
}

/** Instead of a screen that the account may not see. */
export function Forbidden({ permission }: { permission: Permission }) {
  return (
    <Empty page icon="keys" title={t.common.forbidden.title}>
      <p>{t.common.forbidden.text(permission)}</p>
    </Empty>
  );
}
