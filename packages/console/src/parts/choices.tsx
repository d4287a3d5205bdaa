import { useId } from 'preact/hooks';

type Props<Value extends string> = {
  legend: string;
  hint?: string | undefined;
  /** The values in their order, each with what it means. */
  options: Readonly<Record<Value, string>>;
  chosen: readonly Value[];
  onChosen(chosen: Value[]): void;
  error?: string | undefined;
};

/** Any number of values. */
export function Choices<Value extends string>({ legend, hint, options, chosen, onChosen, error }: Props<Value>) {
  const id = useId();
  const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ');
  const values = Object.keys(options) as Value[];
  return (
    <fieldset class="choices" aria-describedby={described || undefined}>
      <legend>{legend}</legend>
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {values.map((value) => (
        <label key={value}>
          <input
            type="checkbox"
            checked={chosen.includes(value)}
            onChange={(event) => {
              const { checked } = event.currentTarget;
              onChosen(values.filter((one) => (one === value ? checked : chosen.includes(one))));
            }}
          />
          <span>
            <code>{value}</code>
            <span class="dim">{options[value]}</span>
          </span>
        </label>
      ))}
      {error && (
        <p class="error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </fieldset>
  );
}
