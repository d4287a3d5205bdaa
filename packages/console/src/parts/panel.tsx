import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

type Props = { title: string; children: ComponentChildren; actions?: ComponentChildren; wide?: boolean };

/** A part of a screen with a title of its own. */
export function Panel({ title, children, actions, wide }: Props) {
  const id = useId();
  return (
    <section class={`panel${wide ? ' wide' : ''}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {actions}
      </header>
      {children}
    </section>
  );
}

/** Names and values; entries without a value are left out. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) =>
        value === undefined || value === '' || value === false ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}
