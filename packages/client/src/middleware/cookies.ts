/** A cookie to set, in the form that frameworks take. Without a value it is to be removed. */
export type Cookie = {
  readonly name: string;
  readonly value: string;
  readonly options: {
    /** Seconds. */
    readonly maxAge: number;
    readonly path: '/';
    readonly httpOnly: true;
    readonly secure: boolean;
    readonly sameSite: 'lax' | 'strict';
  };
};

/** The value of a `Set-Cookie` header. */
export function formatCookie({ name, value, options }: Cookie): string {
  const { path, maxAge, sameSite, secure } = options;
  const site = sameSite === 'lax' ? 'Lax' : 'Strict';
  return `${name}=${value}; Path=${path}; Max-Age=${maxAge}; HttpOnly; SameSite=${site}${secure ? '; Secure' : ''}`;
}

/** Headers of every answer that sets these cookies: no cache may give them to somebody else. */
export function cookieHeaders(cookies: readonly Cookie[]): [name: string, value: string][] {
  if (cookies.length === 0) return [];
  return [
    ['cache-control', 'no-store'],
    ...cookies.map((cookie): [string, string] => ['set-cookie', formatCookie(cookie)]),
  ];
}
