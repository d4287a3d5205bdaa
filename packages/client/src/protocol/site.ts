/** `unsaid`: another program, or a very old browser. */
export type Site = 'ours' | 'another' | 'unsaid';

/** What a browser says about the page that a request comes from; no script of a page can set it. */
export type Sender = {
  /** `Sec-Fetch-Site` */
  site: string | undefined;
  /** `Origin` */
  origin: string | undefined;
  /** The host that the browser asked for. It is used only if the browser sent just an origin. */
  host: () => string | undefined;
};

/** Where a request comes from. `origins`: other origins that count as ours. */
export function siteOfSender({ site, origin, host }: Sender, origins: readonly string[] = []): Site {
  if (origin !== undefined && origins.includes(origin)) return 'ours';
  if (site !== undefined) return site === 'same-origin' ? 'ours' : 'another';
  if (origin === undefined) return 'unsaid';
  return isOrigin(origin, host()) ? 'ours' : 'another';
}

/** Whether an origin belongs to a host. A scheme's default port may be given or left out. */
function isOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, host: page } = new URL(origin);
  return page !== '' && URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === page;
}
