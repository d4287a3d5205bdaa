import { type CSSProperties, createElement, type ReactElement, useEffect, useRef } from 'react';
import type { CurfewDevicesElement, EndedDetail, GetToken } from './index.ts';
import './index.ts';

export type CurfewDevicesProps = {
  /** The URL of the Curfew server. */
  server: string;
  /** Gets a widget token from the application's own server. */
  getToken: GetToken;
  /** Called after an end. */
  onEnded?: ((detail: EndedDetail) => void) | undefined;
  lang?: string | undefined;
  className?: string | undefined;
  style?: CSSProperties | undefined;
};

/** `<curfew-devices>` for React. */
export function CurfewDevices({ server, getToken, onEnded, lang, className, style }: CurfewDevicesProps): ReactElement {
  const ref = useRef<CurfewDevicesElement>(null);
  // Functions are often new at each render, which must not read the list anew.
  const latest = useRef({ getToken, onEnded });
  useEffect(() => {
    latest.current = { getToken, onEnded };
  });
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const tell = (event: Event) => latest.current.onEnded?.((event as CustomEvent<EndedDetail>).detail);
    element.addEventListener('curfew-ended', tell);
    element.getToken = () => latest.current.getToken();
    return () => element.removeEventListener('curfew-ended', tell);
  }, []);
  return createElement('curfew-devices', { ref, server, lang, class: className, style });
}
