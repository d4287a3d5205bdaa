import { useRef } from 'preact/hooks';
import { isLostPlace } from '../app/api.ts';
import { t } from '../texts/index.ts';
import { Button } from './button.tsx';
import { Problem } from './problem.tsx';

type Props = {
  hasMore: boolean;
  isFetchingMore: boolean;
  /** Why the next page could not be read. */
  error: unknown;
  more(): void;
  /** Reads the list from its beginning. */
  again(): void;
  /** Something beside the number of rows, such as that the search was cut short. */
  children?: preact.ComponentChildren;
};

/** Below a list that is read page by page. It keeps the focus when the last page has been read. */
export function More({ hasMore, isFetchingMore, error, more, again, children }: Props) {
  const place = useRef<HTMLDivElement>(null);
  return (
    <div class="list-end" ref={place} tabIndex={-1}>
      {children}
      {error !== null && error !== undefined && <Problem error={error} onAgain={isLostPlace(error) ? again : more} />}
      {hasMore && !error && (
        <Button
          busy={isFetchingMore}
          onClick={() => {
            place.current?.focus({ preventScroll: true });
            more();
          }}
        >
          {t.common.more}
        </Button>
      )}
    </div>
  );
}
