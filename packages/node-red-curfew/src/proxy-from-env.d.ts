declare module 'proxy-from-env' {
  /** The proxy that the environment sets for a URL; empty if there is none. */
  export function getProxyForUrl(url: string): string;
}
