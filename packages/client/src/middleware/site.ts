import { type AnyRequest, headerOf } from './request.ts';

const safeMethods = ['GET', 'HEAD', 'OPTIONS'];

/** Whether a request may change something; one without a method, such as a Server Action, may. */
export function isWrite({ method }: AnyRequest): boolean {
  return method === undefined || !safeMethods.includes(method);
}

/**
 * Where a browser says a request comes from; `unsaid`: another program, or a very old browser. Browsers say it in
 * `Sec-Fetch-Site`, and in `Origin`, which no script can set. `origins`: other origins that count as ours.
 */
export function siteOf(request: AnyRequest, origins: readonly string[]): 'ours' | 'another' | 'unsaid' {
  const [site, origin] = [headerOf(request, 'sec-fetch-site'), headerOf(request, 'origin')];
  if (origin !== undefined && origins.includes(origin)) return 'ours';
  if (site !== undefined) return site === 'same-origin' ? 'ours' : 'another';
  if (origin === undefined) return 'unsaid';
  const host = hostOf(request);
  return host !== undefined && isOrigin(origin, host) ? 'ours' : 'another';
}

function hostOf(request: AnyRequest): string | undefined {
  const host = headerOf(request, 'host');
  if (host !== undefined) return host;
  const { url = '' } = request;
  if (URL.canParse(url)) return new URL(url).host;
  // HTTP/2 has no `Host`, and web headers cannot have such a name.
  return 'get' in request.headers ? undefined : headerOf(request, ':authority');
}

/** A scheme's default port may be given or left out. */
function isOrigin(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: page } = new URL(origin);
  return page !== '' && URL.canParse(`${protocol}//${host}`) && new URL(`${protocol}//${host}`).host === page;
}
