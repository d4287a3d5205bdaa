import type { ComponentChildren } from 'preact';

type Props = {
  title: ComponentChildren;
  /** Buttons beside the title. */
  actions?: ComponentChildren;
  intro?: ComponentChildren;
  children: ComponentChildren;
};

/** The frame of a screen: its title, which has the focus after a change of screens, and its content. */
export function Page({ title, actions, intro, children }: Props) {
  return (
    <div class="page">
      <header class="page-head">
        <h1 tabIndex={-1}>{title}</h1>
        {actions && <div class="actions">{actions}</div>}
        {intro && <p class="intro">{intro}</p>}
      </header>
      {children}
    </div>
  );
}
