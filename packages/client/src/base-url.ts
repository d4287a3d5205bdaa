import { CurfewApiError } from './errors.ts';

/** The URL of a server, without a slash at its end. @throws `CurfewApiError` with `invalid_url` */
export function baseUrl(text: string): string {
  const url = text.replace(/\/+$/, '');
  // `localhost:2873` is a URL too, whose scheme is `localhost:`.
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new CurfewApiError('invalid_url', `${JSON.stringify(text)} is not an http: or https: URL.`, {
    remedy: 'Write the whole URL of the server, such as http://127.0.0.1:2873.',
  });
}
