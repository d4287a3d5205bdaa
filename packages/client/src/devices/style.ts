/** The look, which the page can change with custom properties and `::part`. Colours are the page's own by default. */
export const style = `
:host { display: block; font: var(--curfew-font, inherit); color: var(--curfew-text, inherit); }
:host([hidden]) { display: none; }
ul { list-style: none; margin: 0; padding: 0; border: 1px solid var(--curfew-border, currentColor);
  border-radius: var(--curfew-radius, 0.5rem); background: var(--curfew-background, transparent); }
li { display: flex; flex-wrap: wrap; align-items: center; gap: var(--curfew-gap, 0.75rem);
  padding: var(--curfew-gap, 0.75rem); }
li + li { border-block-start: 1px solid var(--curfew-border, currentColor); }
.about { flex: 1 1 12rem; min-inline-size: 0; overflow-wrap: anywhere; }
.name { font-weight: bold; unicode-bidi: isolate; }
.current { display: inline-block; margin-inline-start: 0.5rem; padding-inline: 0.5rem;
  border: 1px solid currentColor; border-radius: 1rem; font-size: 0.875em; font-weight: normal; }
.details { margin: 0.25rem 0 0; color: var(--curfew-muted, inherit); font-size: 0.875em; }
.details > span { unicode-bidi: isolate; }
button { min-block-size: 2.5rem; padding: 0.25rem 0.75rem; font: inherit; cursor: pointer; background: transparent;
  color: var(--curfew-danger, inherit); border: 1px solid currentColor; border-radius: var(--curfew-radius, 0.5rem); }
button:focus-visible, ul:focus-visible { outline: 3px solid var(--curfew-focus, Highlight); outline-offset: 2px; }
button[aria-disabled="true"] { cursor: default; opacity: 0.6; }
.others, .again { margin-block-start: var(--curfew-gap, 0.75rem); }
.again, .cancel { color: var(--curfew-text, inherit); }
.status:empty { display: none; }
.status { margin: 0 0 var(--curfew-gap, 0.75rem); }
dialog { max-inline-size: min(26rem, 90vw); border: 1px solid; border-radius: var(--curfew-radius, 0.5rem);
  background: var(--curfew-dialog-background, Canvas); color: var(--curfew-dialog-text, CanvasText);
  font: var(--curfew-font, inherit); padding: 1.25rem; }
dialog .question { margin: 0 0 1rem; overflow-wrap: anywhere; }
.answers { display: flex; flex-wrap: wrap; gap: 0.75rem; justify-content: flex-end; }
`;
