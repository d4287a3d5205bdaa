import { isApiError, isAway, isDoubt, isDoubtAboutChange } from '../app/api.ts';
import { readAgain } from '../app/contact.ts';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';

/** An error in a person's words: what is wrong, and what to do. */
export function wordsOf(error: unknown): { title: string; text: string | undefined; detail: string | undefined } {
  if (!isApiError(error))
    return { ...t.problems.fault, detail: error instanceof Error ? error.message : String(error) };
  const detail = error.problem?.detail;
  if (error.code === 'too_many_attempts') {
    return { title: t.problems.tooMany(error.retryAfter), text: undefined, detail: undefined };
  }
  const told = t.problems.told[error.code];
  // A code that the catalogue does not have: the server's own words, which are English.
  if (!told) return { title: error.problem?.title ?? error.message, text: error.remedy, detail };
  return { title: told.title, text: told.text, detail };
}

type Props = {
  error: unknown;
  onAgain?: (() => void) | undefined;
  /** What that is called, if it is not to try the same again. */
  again?: string | undefined;
  /** It fills the place of what could not be shown. */
  page?: boolean | undefined;
  /** It is about a step that changes something. */
  change?: boolean | undefined;
};

/** Says what went wrong, and offers to try again; a doubt is told as a doubt. */
export function Problem({ error, onAgain, again, page, change }: Props) {
  const { title, text: told, detail } = wordsOf(error);
  const doubt = change ? isDoubtAboutChange(error) : isDoubt(error);
  const text = doubt && !isDoubt(error) ? t.problems.mayHaveTaken : told;
  const api = isApiError(error) ? error : undefined;
  return (
    <div class={`problem ${doubt ? 'doubt' : ''} ${page ? 'page' : ''}`} role="alert">
      <Icon name={isAway(error) ? 'away' : 'warning'} />
      <div>
        <p class="title">{title}</p>
        {text && <p>{text}</p>}
        {(detail || api?.problem) && (
          <details>
            <summary>{t.common.details}</summary>
            {detail && <p lang="en">{detail}</p>}
            {api && <p class="dim">{t.common.theCodeIs(api.code)}</p>}
            {api?.problem && <p class="dim">{t.common.requestId(api.problem.instance)}</p>}
          </details>
        )}
        {onAgain && (
          <Button icon="again" onClick={onAgain}>
            {again ?? (doubt ? t.common.lookAgain : t.common.again)}
          </Button>
        )}
      </div>
    </div>
  );
}

/** Says why a step failed that changes something. If its effect is unknown, one can look what is so now: `onLook`. */
export function ChangeProblem({ error, onLook }: { error: unknown; onLook(): void }) {
  const look = () => {
    onLook();
    readAgain();
  };
  return <Problem error={error} change onAgain={isDoubtAboutChange(error) ? look : undefined} />;
}
