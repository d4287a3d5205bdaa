import type { Operations } from '../api.gen.ts';
import { type Client, createClient } from '../client.ts';
import { CurfewApiError } from '../errors.ts';
import { style } from './style.ts';
import { type Texts, textsFor } from './texts.ts';

type Listed = Operations['listWidgetSessions']['output'];
type Session = Listed['sessions'][number];

/** The detail of the event `curfew-ended`: what was ended. */
export type EndedDetail = { id: string } | { others: number };

/** Gets a widget token from the application's own server. */
export type GetToken = () => Promise<string>;

/** A program that renders pages without a browser may load this, but not use it. */
const Base: typeof HTMLElement = globalThis.HTMLElement ?? (class {} as unknown as typeof HTMLElement);

/**
 * `<curfew-devices server="https://curfew.example.com" token-url="/devices-token">`: where a person is signed in, and a
 * way to log out there. The token comes from `getToken` or, by POST, from the page's own `token-url`, which answers
 * `{"token": "cfw_…"}`. After an end it dispatches `curfew-ended`.
 */
export class CurfewDevicesElement extends Base {
  static observedAttributes: readonly string[] = ['server', 'token-url', 'lang'];
  #getToken: GetToken | undefined;
  #client: Client | undefined;
  #listed: Listed | undefined;
  #texts: Texts = textsFor('');
  #language = '';
  #started = false;
  #restarts = 0;
  #busy = false;
  /** Answers to earlier questions do not count. */
  #asked = 0;
  #parts: ReturnType<typeof skeleton> | undefined;

  /** Takes precedence over `token-url`. */
  get getToken(): GetToken | undefined {
    return this.#getToken;
  }

  set getToken(value: GetToken | undefined) {
    this.#getToken = value;
    this.#restart();
  }

  get server(): string {
    return this.getAttribute('server') ?? '';
  }

  set server(value: string) {
    this.setAttribute('server', value);
  }

  connectedCallback(): void {
    if (!this.#parts) {
      const root = this.attachShadow({ mode: 'open' });
      // Not a `style` element: a strict Content-Security-Policy would refuse it.
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(style);
      root.adoptedStyleSheets = [sheet];
      this.#parts = skeleton();
      root.append(...Object.values(this.#parts));
    }
    this.#restart();
  }

  disconnectedCallback(): void {
    this.#asked += 1;
  }

  attributeChangedCallback(): void {
    this.#restart();
  }

  /** Reads the list again. */
  async refresh(): Promise<void> {
    const asked = ++this.#asked;
    const { status, again } = this.#parts!;
    if (!this.#listed) status.textContent = this.#texts.loading;
    try {
      const listed = await this.#call((client) => client.listWidgetSessions());
      if (asked !== this.#asked) return;
      this.#listed = listed;
      if (status.textContent === this.#texts.loading || !again.hidden) status.textContent = '';
      again.hidden = true;
      this.#show();
    } catch {
      if (asked !== this.#asked) return;
      status.textContent = this.#texts.failed;
      again.hidden = false;
    }
  }

  /** Several attributes and properties may be set one after the other: what follows from them is done once. */
  #restart(): void {
    this.#restarts += 1;
    this.#client = undefined;
    if (this.#started || !this.isConnected) return;
    this.#started = true;
    queueMicrotask(() => {
      this.#started = false;
      if (!this.isConnected || !this.#parts) return;
      this.#language = languageOf(this);
      this.#texts = textsFor(this.#language);
      this.#label();
      if (this.server !== '' && (this.#getToken || this.hasAttribute('token-url'))) void this.refresh();
    });
  }

  #label(): void {
    const { list, others, again, dialog } = this.#parts!;
    list.setAttribute('aria-label', this.#texts.list);
    others.textContent = this.#texts.endOthers;
    others.onclick = () => this.#askOthers();
    again.textContent = this.#texts.again;
    again.onclick = () => void this.refresh();
    dialog.querySelector('.cancel')!.textContent = this.#texts.cancel;
    dialog.querySelector('.yes')!.textContent = this.#texts.end;
    if (this.#listed) this.#show();
  }

  #show(): void {
    const { list, others, rest } = this.#parts!;
    const { sessions, total } = this.#listed!;
    list.replaceChildren(...sessions.map((session) => this.#item(session)));
    list.hidden = sessions.length === 0;
    others.hidden = sessions.length < 2 || !sessions[0]!.current;
    rest.textContent = total > sessions.length ? this.#texts.more(total - sessions.length) : '';
  }

  #item(session: Session): HTMLLIElement {
    const item = element('li', { part: 'item' });
    const name = element('span', { className: 'name', part: 'name', dir: 'auto' }, this.#nameOf(session));
    const title = element('div', {}, name);
    if (session.current) {
      title.append(' ', element('span', { className: 'current', part: 'current' }, this.#texts.current));
    }
    const seen = this.#texts.seen(relativeTo(this.#language, session.lastSeenAt));
    const opened = this.#texts.opened(dateIn(this.#language, session.createdAt));
    const facts = [session.ip, seen, opened].filter((fact) => fact !== undefined);
    const spans = facts.flatMap((fact, i) => [...(i > 0 ? [' · '] : []), element('span', { dir: 'auto' }, fact)]);
    const details = element('p', { className: 'details', part: 'details' }, ...spans);
    item.append(element('div', { className: 'about' }, title, details));
    if (session.current) return item;
    const end = element('button', { type: 'button', part: 'button' }, this.#texts.end);
    end.setAttribute('aria-label', this.#texts.endOne([this.#nameOf(session), session.ip].filter(Boolean).join(', ')));
    end.onclick = () => this.#askOne(session);
    item.append(end);
    return item;
  }

  #nameOf({ device }: Session): string {
    const program = device.name ?? device.model;
    if (program === undefined) return device.os?.name ?? this.#texts.unknown;
    return device.os ? this.#texts.name(program, device.os.name) : program;
  }

  #askOne(session: Session): void {
    const device = this.#nameOf(session);
    this.#ask(this.#texts.askOne(device), async () => {
      await this.#call((client) => client.endWidgetSession({ id: session.id }));
      this.#tell(this.#texts.ended(device), { id: session.id });
    });
  }

  #askOthers(): void {
    this.#ask(this.#texts.askOthers(this.#listed!.total - 1), async () => {
      const { ended } = await this.#call((client) => client.endOtherWidgetSessions());
      this.#tell(this.#texts.endedOthers(ended), { others: ended });
    });
  }

  #ask(question: string, end: () => Promise<void>): void {
    if (this.#busy) return;
    const { dialog } = this.#parts!;
    dialog.querySelector('.question')!.textContent = question;
    dialog.returnValue = '';
    dialog.onclose = () => {
      if (dialog.returnValue === 'yes') void this.#end(end);
    };
    dialog.showModal();
  }

  async #end(end: () => Promise<void>): Promise<void> {
    const { status, list } = this.#parts!;
    const place = [...list.children].indexOf(this.shadowRoot!.activeElement?.closest('li') as Element);
    this.#setBusy(true);
    try {
      await end();
    } catch (error) {
      // It has ended already, which is what was wanted.
      if (!(error instanceof CurfewApiError && error.code === 'session_not_found')) {
        status.textContent = this.#texts.notEnded;
      }
    } finally {
      this.#setBusy(false);
    }
    await this.refresh();
    this.#focusNear(place);
  }

  #setBusy(busy: boolean): void {
    this.#busy = busy;
    for (const button of this.shadowRoot!.querySelectorAll('ul button, .others')) {
      button.setAttribute('aria-disabled', String(busy));
    }
  }

  /** The control that had the focus may be gone: its neighbour gets it, or the list. */
  #focusNear(place: number): void {
    const { list, others } = this.#parts!;
    const buttons = [...list.querySelectorAll('button')];
    const next = buttons.find((button) => [...list.children].indexOf(button.closest('li')!) >= place);
    (next ?? buttons.at(-1) ?? (others.hidden ? list : others)).focus();
  }

  #tell(text: string, detail: EndedDetail): void {
    this.#parts!.status.textContent = text;
    this.dispatchEvent(new CustomEvent<EndedDetail>('curfew-ended', { detail, bubbles: true, composed: true }));
  }

  /** Makes a call; if the token is no longer valid, once more with a new one. */
  async #call<Result>(call: (client: Client) => Promise<Result>): Promise<Result> {
    const known = this.#client;
    const client = known ?? (await this.#newClient());
    try {
      return await call(client);
    } catch (error) {
      if (!known || !(error instanceof CurfewApiError) || error.status !== 401) throw error;
      return call(await this.#newClient());
    }
  }

  async #newClient(): Promise<Client> {
    const [server, restarts] = [this.server, this.#restarts];
    const token = await (this.#getToken ?? (() => tokenFrom(this.getAttribute('token-url') ?? '')))();
    const client = createClient({ url: server, token });
    // The page may have set another `getToken` meanwhile, for another person: later calls must not have this token.
    if (restarts === this.#restarts) this.#client = client;
    return client;
  }
}

async function tokenFrom(url: string): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    credentials: 'same-origin',
    headers: { accept: 'application/json' },
  });
  const body = response.ok ? ((await response.json()) as { token?: unknown }) : {};
  if (typeof body.token === 'string') return body.token;
  throw new Error(`${url} answered ${response.status}, and not with a token.`);
}

/** The fixed parts, in their order. */
function skeleton() {
  const status = element('p', { className: 'status', part: 'status' });
  status.setAttribute('role', 'status');
  const list = element('ul', { part: 'list', hidden: true, tabIndex: -1 });
  // Browsers take the role from lists without marks.
  list.setAttribute('role', 'list');
  const rest = element('p', { className: 'status' });
  const others = element('button', { type: 'button', className: 'others', part: 'button others', hidden: true });
  const again = element('button', { type: 'button', className: 'again', part: 'button again', hidden: true });
  const question = element('p', { className: 'question', id: 'question', dir: 'auto' });
  const cancel = element('button', { className: 'cancel', value: 'cancel', part: 'button', autofocus: true });
  const yes = element('button', { className: 'yes', value: 'yes', part: 'button' });
  const form = element('form', {}, question, element('div', { className: 'answers' }, cancel, yes));
  form.method = 'dialog';
  const dialog = element('dialog', { part: 'dialog' }, form);
  dialog.setAttribute('aria-labelledby', 'question');
  return { status, list, rest, others, again, dialog };
}

type Content = string | Node;

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<Omit<HTMLElementTagNameMap[Name], 'part'>> & { part?: string },
  ...content: Content[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  const { part, ...rest } = properties;
  Object.assign(made, rest);
  if (part !== undefined) made.setAttribute('part', part);
  made.append(...content);
  return made;
}

function languageOf(of: Element): string {
  return of.closest('[lang]')?.getAttribute('lang') || document.documentElement.lang || navigator.language;
}

const units: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** `5 minutes ago`. */
function relativeTo(language: string, moment: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(moment)) / 1000));
  const [unit, length] = units.find(([, size]) => seconds >= size) ?? ['minute', 60];
  return formats(language).relative.format(-Math.floor(seconds / length), unit);
}

function dateIn(language: string, moment: string): string {
  return formats(language).date.format(Date.parse(moment));
}

function formats(language: string): { relative: Intl.RelativeTimeFormat; date: Intl.DateTimeFormat } {
  const [known = 'en'] = Intl.getCanonicalLocales(isTag(language) ? language : 'en');
  return {
    relative: new Intl.RelativeTimeFormat(known, { numeric: 'auto' }),
    date: new Intl.DateTimeFormat(known, { dateStyle: 'medium' }),
  };
}

function isTag(language: string): boolean {
  try {
    return Intl.getCanonicalLocales(language).length > 0;
  } catch {
    return false;
  }
}
