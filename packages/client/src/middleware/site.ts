import { type Site, siteOfSender } from '../protocol/index.ts';
import { type AnyRequest, headerOf } from './request.ts';

const safeMethods = ['GET', 'HEAD', 'OPTIONS'];

/** Whether a request may change something; one without a method, such as a Server Action, may. */
export function isWrite({ method }: AnyRequest): boolean {
  return method === undefined || !safeMethods.includes(method);
}

/** Where a request comes from. `origins`: other origins that count as ours. */
export function siteOf(request: AnyRequest, origins: readonly string[]): Site {
  const [site, origin] = [headerOf(request, 'sec-fetch-site'), headerOf(request, 'origin')];
  return siteOfSender({ site, origin, host: () => hostOf(request) }, origins);
}

function hostOf(request: AnyRequest): string | undefined {
  const host = headerOf(request, 'host');
  if (host !== undefined) return host;
  const { url = '' } = request;
  if (URL.canParse(url)) return new URL(url).host;
  // HTTP/2 has no `Host`, and web headers cannot have such a name.
  return 'get' in request.headers ? undefined : headerOf(request, ':authority');
}
