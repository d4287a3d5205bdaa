import { NodeFault } from 'curfew-nodes';
import type { NodeConfig, Red } from './red.ts';

/** A kept secret, and the URL for which it was given. As one value, because a deployment can replace each value alone. */
type Bound = { readonly secret: unknown; readonly url: string };

/** The URLs to which a node sends its kept secrets, by the names of these. */
type UrlsOf = (config: NodeConfig) => Readonly<Record<string, string>>;

/**
 * Binds every kept secret to a URL: otherwise somebody who may change flows, but not see their secrets, could deploy
 * another URL and receive them there. A secret is bound when a flow with it is first started, also if it was kept by an
 * earlier version. Node-RED stores this with the next deployment, which is before any other URL can be in the flow.
 */
export class KeptSecrets {
  readonly #red: Red;
  readonly #urlsOf = new Map<string, UrlsOf>();

  constructor(red: Red) {
    this.#red = red;
    // Disabled nodes are never created; they are bound here.
    red.events.on('flows:started', () => red.nodes.eachNode((config) => this.bind(config)));
  }

  register(type: string, urlsOf: UrlsOf): void {
    this.#urlsOf.set(type, urlsOf);
  }

  bind(config: NodeConfig): void {
    // Nodes of a subflow have the credentials of its template.
    const id = config._alias ?? config.id;
    const [urlsOf, kept] = [this.#urlsOf.get(config.type), this.#red.nodes.getCredentials(id)];
    if (!urlsOf || !kept) return;
    const bound = Object.entries(urlsOf(config))
      .filter(([name]) => isSecret(kept[name]))
      .map(([name, url]) => [name, { secret: kept[name], url: comparable(url) } satisfies Bound]);
    this.#red.nodes.addCredentials(id, { ...kept, ...Object.fromEntries(bound) });
  }
}

/** Whether it is a secret that is not bound yet. The name of an environment variable is none. */
function isSecret(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && !/^\$(\{[^}]+\}|\([^)]+\))$/.test(value);
}

/**
 * A kept secret, to be sent to a URL; `label` names its field.
 * @throws `NodeFault` if it was given for another URL
 */
export function secretFor(url: string, kept: unknown, label: string): unknown {
  if (typeof kept !== 'object' || kept === null) return kept;
  const bound = kept as Bound;
  if (bound.url !== '' && bound.url === comparable(url)) return bound.secret;
  const where = bound.url === '' ? 'before there was a URL for it' : `for ${bound.url}`;
  throw new NodeFault('other_url', `The kept “${label}” was given ${where} and is not sent to ${comparable(url)}.`, {
    remedy: `Enter “${label}” again for this URL, or empty the field.`,
  });
}

/** A URL in its one form, without what a kept secret does not depend on; empty if it is none. */
function comparable(text: string): string {
  if (!URL.canParse(text.trim())) return '';
  const url = new URL(text.trim());
  [url.username, url.password] = ['', ''];
  return url.href.replace(/\/+$/, '');
}
