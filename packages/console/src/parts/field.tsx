import { useId } from 'preact/hooks';

type Props = {
  name?: string;
  type?: 'text' | 'password' | 'search' | 'email' | 'number' | 'datetime-local';
  class?: string;
  autoComplete?: string;
  autoCapitalize?: string;
  inputMode?: 'numeric';
  spellcheck?: boolean;
  maxLength?: number;
  placeholder?: string;
  /** The id of a `<datalist>`. */
  list?: string;
  label: string;
  value: string;
  onValue(value: string): void;
  hint?: string | undefined;
  /** What is wrong with it; read out together with its name. */
  error?: string | undefined;
  /** The label is only read out. */
  bare?: boolean | undefined;
};

export function Field({ label, value, onValue, hint, error, bare, ...rest }: Props) {
  const id = useId();
  const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id} class={bare ? 'unseen' : undefined}>
        {label}
      </label>
      <input
        type="text"
        {...(rest as object)}
        id={id}
        value={value}
        aria-invalid={error ? true : undefined}
        aria-describedby={described || undefined}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
      {error && (
        <p class="error" id={`${id}-error`}>
          {error}
        </p>
      )}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}
