import { t } from '../texts/index.ts';
import { Button } from './button.tsx';
import { say } from './toast.tsx';

export function CopyButton({ text, label }: { text: string; label?: string }) {
  return (
    <Button
      icon="copy"
      onClick={() =>
        navigator.clipboard.writeText(text).then(
          () => say(t.common.copied),
          () => say(t.common.notCopied, 'wrong'),
        )
      }
    >
      {label ?? t.common.copy}
    </Button>
  );
}
