import type { Operations } from 'curfew-client';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { api } from '../../app/api.ts';
import { useAsked } from '../../app/data.ts';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { Problem } from '../../parts/problem.tsx';
import { Loading } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Given, Time } from '../../parts/things.tsx';
import { brief, bytes, count } from '../../texts/forms.ts';
import { t } from '../../texts/index.ts';

type State = Operations['serverState']['output'];

/** Milliseconds after which it is asked again. */
const interval = 3000;

export default function Server() {
  const asked = useAsked({ key: ['server'], ask: (signal) => api.serverState({}, { signal }), every: interval });
  const state = asked.data;
  return (
    <Page title={t.server.title} intro={t.server.intro}>
      {asked.isPending && <Loading />}
      {asked.error && <Problem error={asked.error} page={!state} onAgain={asked.again} />}
      {state && (
        <>
          <Findings findings={state.findings} />
          <Facts state={state} />
          <Nodes nodes={state.nodes} />
          <Verifiers verifiers={state.verifiers} />
          <Settings settings={state.settings} />
        </>
      )}
    </Page>
  );
}

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="part">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** What is wrong comes first, each with what to do about it. */
function Findings({ findings }: Pick<State, 'findings'>) {
  const order = ['fault', 'warning', 'ok'];
  const worst = findings.filter(({ state }) => state !== 'ok');
  const sorted = [...findings].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  return (
    <Part title={t.server.findings}>
      <p class={`notice ${worst.length > 0 ? 'warning' : ''}`}>
        {worst.length > 0 ? t.server.toMend(worst.length) : t.server.allWell}
      </p>
      <ul class="findings">
        {sorted.map(({ check, state, says, remedy }) => (
          <li key={check} class={state}>
            <Icon name={state === 'ok' ? 'check' : 'warning'} />
            <div>
              <p>
                <span class="unseen">{t.server.states[state]}: </span>
                <span lang="en">
                  <strong>{check}</strong> {says}
                </span>
              </p>
              {remedy && state !== 'ok' && (
                <p class="dim" lang="en">
                  {remedy}
                </p>
              )}
            </div>
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Facts({ state: { version, startedAt, store } }: { state: State }) {
  const { facts } = t.server;
  const rows: [string, ComponentChildren][] = [
    [facts.version, version],
    [facts.started, <Time at={startedAt} away key="started" />],
    [facts.store, store.engine],
    [facts.location, <code key="location">{store.location}</code>],
    [facts.size, bytes(store.bytes)],
    [facts.format, count(store.format)],
    ...Object.entries(store.facts).map(([name, value]): [string, ComponentChildren] => [
      inWords(name),
      typeof value === 'number' ? count(value) : String(value),
    ]),
  ];
  return (
    <Part title={t.server.about}>
      <dl class="record">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Part>
  );
}

/** `liveSessions` as `Live sessions`: each engine has facts of its own, which have English names. */
const inWords = (name: string) => {
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words[0]!.toUpperCase() + words.slice(1);
};

function Nodes({ nodes }: Pick<State, 'nodes'>) {
  const { columns } = t.server;
  return (
    <Part title={t.server.nodes}>
      <Table caption={t.server.nodes} columns={[columns.node, columns.state, columns.lag, columns.seen]}>
        {nodes.map(({ id, here, lag, silentMs, alive }) => (
          <tr key={id}>
            <th scope="row">
              <code>{id}</code>
              {here && <span class="sub dim">{t.server.thisOne}</span>}
            </th>
            <td data-label={columns.state}>
              <span class={`status ${alive ? 'active' : 'ended'}`}>{alive ? t.server.alive : t.server.gone}</span>
            </td>
            <td data-label={columns.lag}>{t.server.changes(lag)}</td>
            <td data-label={columns.seen}>{t.server.ago(brief(silentMs))}</td>
          </tr>
        ))}
      </Table>
    </Part>
  );
}

function Verifiers({ verifiers }: Pick<State, 'verifiers'>) {
  const { columns } = t.server;
  return (
    <Part title={t.server.verifiers}>
      {verifiers.length === 0 ? (
        <p class="dim">{t.server.noVerifiers}</p>
      ) : (
        <Table
          caption={t.server.verifiers}
          columns={[columns.application, columns.key, columns.state, columns.lease, columns.lag]}
        >
          {verifiers.map(({ name, key, attached, leaseMs, lag }, i) => (
            <tr key={`${key.id} ${name} ${i}`}>
              <th scope="row">{name ? <Given text={name} /> : t.server.unnamed}</th>
              <td data-label={columns.key}>
                <Given text={key.name} />
              </td>
              <td data-label={columns.state}>
                <span class={`status ${attached ? 'active' : 'ended'}`}>
                  {attached ? t.server.attached : t.server.left}
                </span>
              </td>
              <td data-label={columns.lease}>{leaseMs > 0 ? brief(leaseMs) : t.server.noLease}</td>
              <td data-label={columns.lag}>{t.server.changes(lag)}</td>
            </tr>
          ))}
        </Table>
      )}
    </Part>
  );
}

function Settings({ settings }: Pick<State, 'settings'>) {
  const [all, setAll] = useState(false);
  const { columns } = t.server;
  const shown = all ? settings : settings.filter(({ isDefault }) => !isDefault);
  return (
    <Part title={t.server.settings}>
      <label class="tick">
        <input type="checkbox" checked={all} onChange={(event) => setAll(event.currentTarget.checked)} />
        {t.server.withDefaults}
      </label>
      {shown.length === 0 ? (
        <p class="dim">{t.server.onlyDefaults}</p>
      ) : (
        <Table caption={t.server.settings} columns={[columns.setting, columns.value, columns.help]}>
          {shown.map(({ name, value, help }) => (
            <tr key={name}>
              <th scope="row">
                <code>{name}</code>
              </th>
              <td data-label={columns.value}>
                <code>{value}</code>
              </td>
              <td data-label={columns.help} class="dim" lang="en">
                {help}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Part>
  );
}
