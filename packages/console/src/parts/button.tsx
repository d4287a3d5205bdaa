import type { ComponentChildren, JSX } from 'preact';
import { Icon, type IconName } from './icon.tsx';

type Props = Omit<JSX.IntrinsicElements['button'], 'icon'> & {
  kind?: 'main' | 'danger' | 'plain' | 'quiet' | undefined;
  icon?: IconName | undefined;
  /** It is at work: it keeps its place and the focus, and does nothing when it is pressed. */
  busy?: boolean | undefined;
  /** Only the icon is seen; the children are its name. */
  bare?: boolean | undefined;
  children?: ComponentChildren;
};

export function Button({ kind = 'plain', icon, busy, bare, children, onClick, type = 'button', ...rest }: Props) {
  return (
    <button
      {...rest}
      type={type}
      class={`button ${kind}${bare ? ' bare' : ''}`}
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      onClick={(event) => {
        if (!busy) return onClick?.(event);
        event.preventDefault();
      }}
    >
      {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      <span class={bare ? 'unseen' : undefined}>{children}</span>
    </button>
  );
}
