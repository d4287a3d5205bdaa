import assert from 'node:assert/strict';
import type { CDPSession, Page } from 'playwright-core';
import { hasFocus, matches, type Text, tabTo } from './visit.ts';

/*
 * Three ways to use a page: with a mouse, with a keyboard alone, and through the tree that a screen reader reads. A task
 * is written once, in the words of the tree (roles and names), and done in each of them.
 */

type Role = 'button' | 'link' | 'checkbox' | 'textbox' | 'searchbox' | 'combobox';

export type Hand = {
  /** Activates a control. */
  press(role: Role, name: Text): Promise<void>;
  fill(role: Role, name: Text, text: string): Promise<void>;
  choose(name: Text, option: string): Promise<void>;
  /** A dialog with this name has opened, and keeps everything else away. */
  isAsked(name: Text): Promise<void>;
  /** Something is told as it happens: a screen reader reads it without being asked. */
  hears(text: Text): Promise<void>;
  /** The control with the focus. */
  has(role: Role, name: Text): Promise<void>;
  /** A row with all of these texts. */
  reads(...texts: Text[]): Promise<void>;
};

export const ways = ['by mouse', 'by keyboard alone', 'with a screen reader'] as const;
export type Way = (typeof ways)[number];

export function handOf(page: Page, way: Way): Hand {
  if (way === 'by mouse') return mouse(page);
  return way === 'by keyboard alone' ? keyboard(page) : reader(page);
}

function mouse(page: Page): Hand {
  /** Where somebody looks: in the dialog on top, if there is one. */
  const control = async (role: Role, name: Text) => {
    const dialogs = page.getByRole('dialog');
    const place = (await dialogs.count()) > 0 ? dialogs.last() : page;
    return place.getByRole(role, { name, exact: true }).first();
  };
  return {
    press: async (role, name) => (await control(role, name)).click(),
    fill: async (role, name, text) => (await control(role, name)).fill(text),
    choose: async (name, option) => void (await (await control('combobox', name)).selectOption(option)),
    isAsked: (name) => page.getByRole('dialog', { name, exact: true }).waitFor(),
    hears: (text) => page.getByText(text).first().waitFor(),
    has: async () => {},
    async reads(...texts) {
      let row = page.getByRole('row');
      for (const text of texts) row = row.filter({ hasText: text });
      await row.first().waitFor();
    },
  };
}

function keyboard(page: Page): Hand {
  const seen = mouse(page);
  const to = async (role: Role, name: Text) => {
    await page.getByRole(role, { name, exact: true }).first().waitFor();
    await tabTo(page, role, name);
  };
  return {
    ...seen,
    async press(role, name) {
      await to(role, name);
      await page.keyboard.press(role === 'checkbox' ? 'Space' : 'Enter');
    },
    async fill(role, name, text) {
      await to(role, name);
      await page.keyboard.press('Control+a');
      await page.keyboard.type(text);
    },
    async choose(name, option) {
      await to('combobox', name);
      await page.keyboard.type(option);
    },
    has: (role, name) => hasFocus(page, role, name),
  };
}

// ---- What a screen reader is given

type Value = { value?: unknown };
type Node = {
  nodeId: string;
  parentId?: string;
  ignored: boolean;
  role?: Value;
  name?: Value;
  properties?: { name: string; value: Value }[];
  childIds?: string[];
  backendDOMNodeId?: number;
};

const roleOf = ({ role }: Node) => String(role?.value ?? '');
// Names hold isolates, which keep other people's names from turning a line around.
const nameOf = ({ name }: Node) => String(name?.value ?? '').replace(/[\u2066-\u2069]/g, '');
const propertyOf = ({ properties = [] }: Node, wanted: string) =>
  properties.find(({ name }) => name === wanted)?.value.value;

/** Chromium's accessibility tree of a page, as it is now. */
class Tree {
  readonly #nodes: ReadonlyMap<string, Node>;

  private constructor(nodes: readonly Node[]) {
    this.#nodes = new Map(nodes.map((node) => [node.nodeId, node]));
  }

  static async of(session: CDPSession): Promise<Tree> {
    const { nodes } = await session.send('Accessibility.getFullAXTree');
    return new Tree(nodes as Node[]);
  }

  /** Nodes that are read: those with this role. */
  *all(role: string): Generator<Node> {
    for (const node of this.#nodes.values()) if (!node.ignored && roleOf(node) === role) yield node;
  }

  /** What is read of a node, from its first text to its last. */
  textOf(node: Node): string {
    const children = (node.childIds ?? []).flatMap((id) => this.#nodes.get(id) ?? []);
    if (roleOf(node) === 'StaticText') return nameOf(node);
    return children.map((child) => this.textOf(child)).join('');
  }

  /** What is read out by itself as soon as it changes. */
  get told(): string[] {
    const regions = [...this.#nodes.values()].filter(
      (node) => !node.ignored && ['polite', 'assertive'].includes(String(propertyOf(node, 'live'))),
    );
    return regions.map((node) => this.textOf(node)).filter(Boolean);
  }
}

/** Milliseconds; longer than the longest lease that a page waits for. */
const patience = 30_000;

function reader(page: Page): Hand {
  const opened = page.context().newCDPSession(page);
  /** Looks at each state of the tree until it has what is wanted. */
  const until = async <Found>(
    look: (tree: Tree) => Found | undefined,
    wanted: string,
    show: (tree: Tree) => unknown,
  ): Promise<Found> => {
    const session = await opened;
    const began = Date.now();
    for (;;) {
      const tree = await Tree.of(session);
      const found = look(tree);
      if (found !== undefined) return found;
      if (Date.now() - began > patience) assert.fail(`there is no ${wanted}: ${JSON.stringify(show(tree))}`);
      await page.evaluate('new Promise((done) => requestAnimationFrame(done))');
    }
  };
  const node = (role: string, name: Text) =>
    until(
      (tree) => [...tree.all(role)].find((one) => matches(nameOf(one), name)),
      `${role} ${name}`,
      (tree) => [...tree.all(role)].map(nameOf),
    );
  /** Does what a screen reader does when somebody activates what it has just read. */
  const call = async ({ backendDOMNodeId }: Node, work: string, ...values: unknown[]) => {
    const session = await opened;
    const { object } = await session.send('DOM.resolveNode', { backendNodeId: backendDOMNodeId! });
    const { exceptionDetails } = await session.send('Runtime.callFunctionOn', {
      objectId: object.objectId!,
      functionDeclaration: work,
      arguments: values.map((value) => ({ value })),
      awaitPromise: true,
    });
    assert.equal(exceptionDetails, undefined);
  };
  const enabled = (one: Node) => assert.ok(propertyOf(one, 'disabled') !== true, `${nameOf(one)} cannot be used`);
  return {
    async press(role, name) {
      const one = await node(role, name);
      enabled(one);
      await call(one, 'function () { this.focus(); this.click(); }');
      if (role !== 'checkbox') return;
      const ticked = (tree: Tree) =>
        [...tree.all(role)].find((now) => matches(nameOf(now), name) && propertyOf(now, 'checked') === 'true');
      await until(ticked, `ticked ${name}`, (tree) => [...tree.all(role)].map(nameOf));
    },
    async fill(role, name, text) {
      const one = await node(role, name);
      enabled(one);
      await call(one, 'function () { this.focus(); this.select(); }');
      await (await opened).send('Input.insertText', { text });
    },
    async choose(name, option) {
      const work = `function (text) {
        this.value = [...this.options].find((one) => one.text === text).value;
        this.dispatchEvent(new Event('change', { bubbles: true }));
      }`;
      await call(await node('combobox', name), work, option);
    },
    async isAsked(name) {
      const asked = await node('dialog', name);
      assert.equal(propertyOf(asked, 'modal'), true, 'nothing else can be reached meanwhile');
      // Whoever moves on from where they were is inside.
      const inside = (tree: Tree) => [...tree.all('main'), ...tree.all('navigation')].length === 0 || undefined;
      await until(inside, 'tree with the dialog alone', (tree) => [...tree.all('main')].length);
    },
    async hears(text) {
      await until(
        (tree) => tree.told.find((told) => (typeof text === 'string' ? told.includes(text) : text.test(told))),
        `live region that says ${text}`,
        (tree) => tree.told,
      );
    },
    async has(role, name) {
      const found = (tree: Tree) =>
        [...tree.all(role)].find((one) => matches(nameOf(one), name) && propertyOf(one, 'focused') === true);
      await until(found, `focus on ${name}`, (tree) => [...tree.all(role)].map(nameOf));
    },
    async reads(...texts) {
      const found = (tree: Tree) =>
        [...tree.all('row')].find((row) => {
          const told = tree.textOf(row);
          return texts.every((text) => (typeof text === 'string' ? told.includes(text) : text.test(told)));
        });
      await until(found, `row with ${texts.join(', ')}`, (tree) => [...tree.all('row')].map((row) => tree.textOf(row)));
    },
  };
}
