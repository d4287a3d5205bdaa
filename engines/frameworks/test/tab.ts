/** The cookies of a browser, and the headers that it adds to a request by itself. */
export class Tab {
  readonly url: string;
  readonly cookies: Map<string, string> = new Map();

  constructor(url: string, cookies: Iterable<readonly [string, string]> = []) {
    this.url = url;
    for (const [name, value] of cookies) this.cookies.set(name, value);
  }

  /** Another tab that begins with the same cookies. */
  another(): Tab {
    return new Tab(this.url, this.cookies);
  }

  /** What is left of the cookies when those of the session token have reached their `Max-Age`. */
  later(): Tab {
    return new Tab(
      this.url,
      [...this.cookies].filter(([name]) => name.endsWith('-refresh')),
    );
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(this.url + path, {
      method,
      redirect: 'manual',
      headers: {
        'x-forwarded-proto': 'http',
        ...(cookie && { cookie }),
        ...(method !== 'GET' && { origin: this.url }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const set = this.keep(response);
    return { status: response.status, headers: response.headers, set, text: await response.text() };
  }

  /** Takes the cookies of an answer; returns its `Set-Cookie` headers. */
  keep({ headers }: Response): string[] {
    const set = headers.getSetCookie();
    for (const text of set) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(text)!;
      if (/max-age=0(;|$)/i.test(text)) this.cookies.delete(name!);
      else this.cookies.set(name!, value!);
    }
    return set;
  }
}

export type Answer = { status: number; headers: Headers; set: string[]; text: string };
