import type { ComponentChildren } from 'preact';

type Props = {
  /** What it lists; read out only. */
  caption: string;
  columns: readonly string[];
  /** What the last column is for, if it has buttons; read out only. */
  actions?: string | undefined;
  /** Another list is on its way. */
  isOld?: boolean | undefined;
  /** The rows. */
  children: ComponentChildren;
};

/** A list with named columns; for sessions, of which there may be millions, see `session-table.tsx`. */
export function Table({ caption, columns, actions, isOld, children }: Props) {
  return (
    <div class="table" aria-busy={isOld || undefined}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" key={column}>
                {column}
              </th>
            ))}
            {actions !== undefined && (
              <th scope="col">
                <span class="unseen">{actions}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
