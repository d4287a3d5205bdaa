import { useEffect, useRef, useState } from 'preact/hooks';
import { go, linkTo, type Query } from '../../app/router.ts';
import { Button } from '../../parts/button.tsx';
import { Field } from '../../parts/field.tsx';
import { t } from '../../texts/index.ts';

export const filterNames = ['filter', 'user', 'group', 'name', 'ip'] as const;
export type FilterName = (typeof filterNames)[number];

/** What the server accepts, in characters. */
const longest: Readonly<Record<FilterName, number>> = { filter: 200, user: 255, group: 128, name: 100, ip: 64 };

/** Milliseconds without a key after which a search begins. */
const pause = 150;

/**
 * The filters are in the URL. A search begins while one types; a whole value, such as a user's id, only when it is
 * complete.
 */
export function FilterBar({ query }: { query: Query }) {
  const [text, setText] = useState(query['filter'] ?? '');
  const written = useRef(text);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // Back and forward change the URL, and with it what is in the field.
  useEffect(() => {
    const now = query['filter'] ?? '';
    if (now === written.current) return;
    written.current = now;
    setText(now);
  }, [query['filter']]);
  useEffect(() => () => clearTimeout(timer.current), []);

  const search = (value: string) => {
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      written.current = value.trim();
      go(linkTo(['sessions'], { ...query, filter: value.trim() || undefined }), 'replace');
    }, pause);
  };

  const others = filterNames.filter((name) => name !== 'filter');
  const given = others.filter((name) => query[name]);
  const [open, setOpen] = useState(given.length > 0);
  // A link has set one of them.
  useEffect(() => {
    if (given.length > 0) setOpen(true);
  }, [given.length]);
  const texts = t.sessions.filters;
  return (
    <search class="filters" aria-label={texts.label}>
      <Field
        label={texts.text}
        placeholder={texts.textHint}
        type="search"
        autoComplete="off"
        spellcheck={false}
        maxLength={longest.filter}
        value={text}
        onValue={search}
      />
      <Button aria-expanded={open} onClick={() => setOpen(!open)}>
        {texts.more}
      </Button>
      {open && (
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            const data = new FormData(event.currentTarget);
            const values = Object.fromEntries(others.map((name) => [name, String(data.get(name) ?? '').trim()]));
            go(linkTo(['sessions'], { ...query, ...values }));
          }}
        >
          {others.map((name) => (
            <Kept key={name} name={name} value={query[name] ?? ''} />
          ))}
          <div class="actions">
            <Button type="submit">{texts.apply}</Button>
            {(given.length > 0 || query['filter']) && (
              <a class="button quiet" href={linkTo(['sessions'], { status: query['status'] })}>
                {texts.clear}
              </a>
            )}
          </div>
        </form>
      )}
    </search>
  );
}

/** A field that follows the URL, and otherwise what is typed. */
function Kept({ name, value }: { name: Exclude<FilterName, 'filter'>; value: string }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return (
    <Field
      label={t.sessions.filters[name]}
      name={name}
      autoComplete="off"
      autoCapitalize="none"
      spellcheck={false}
      maxLength={longest[name]}
      value={text}
      onValue={setText}
    />
  );
}
