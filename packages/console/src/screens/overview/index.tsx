import type { Operations } from 'curfew-client';
import type { ComponentChildren } from 'preact';
import { api } from '../../app/api.ts';
import { type Asked, useAsked } from '../../app/data.ts';
import { linkTo } from '../../app/router.ts';
import { may } from '../../app/who.ts';
import { Icon } from '../../parts/icon.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Problem } from '../../parts/problem.tsx';
import { Loading } from '../../parts/states.tsx';
import { Given } from '../../parts/things.tsx';
import { brief, count } from '../../texts/forms.ts';
import { t } from '../../texts/index.ts';
import { Chart } from './chart.tsx';

type State = Operations['serverState']['output'];

/** Milliseconds between two looks. */
const pause = 5000;

/** What is going on now: how many are signed in, what the last hours were like, and whether everything holds. */
export default function Overview() {
  const series = useAsked({
    key: ['series'],
    ask: (signal) => api.eventSeries({ hours: 24, interval: '3600' }, { signal }),
    every: pause,
  });
  const state = useAsked({ key: ['server'], ask: (signal) => api.serverState({}, { signal }), every: pause });
  const texts = t.overview;
  return (
    <Page title={texts.title}>
      <div class="panels">
        <Shown asked={series}>
          {({ active }) => (
            <Panel title={texts.now}>
              <p class="big">
                <strong>{count(active)}</strong> {texts.sessions(active)}
              </p>
              {may('sessions.read') && (
                <p>
                  <a href={linkTo(['sessions'])}>{texts.toSessions}</a>
                </p>
              )}
            </Panel>
          )}
        </Shown>
        <Shown asked={state}>{({ findings }) => <Findings findings={findings} />}</Shown>
      </div>
      {series.data && (
        <Panel title={texts.lastDay}>
          <Chart intervals={series.data.intervals} />
          {series.data.partial && <p class="dim">{texts.counting}</p>}
        </Panel>
      )}
      {state.data && (
        <div class="panels">
          <Nodes nodes={state.data.nodes} />
          <Applications verifiers={state.data.verifiers} />
        </div>
      )}
    </Page>
  );
}

/** An answer, or what is to be said instead; a later question that fails leaves the last answer where it is. */
function Shown<Data>({ asked, children }: { asked: Asked<Data>; children(data: Data): ComponentChildren }) {
  return (
    <>
      {asked.error != null && <Problem error={asked.error} onAgain={asked.again} />}
      {asked.data !== undefined ? children(asked.data) : asked.error == null && <Loading lines={2} />}
    </>
  );
}

/** What is not as it should be; the server screen has everything that was checked. */
function Findings({ findings }: Pick<State, 'findings'>) {
  const wrong = findings.filter(({ state }) => state !== 'ok');
  const texts = t.overview;
  return (
    <Panel title={texts.findings}>
      {wrong.length === 0 ? (
        <p class="with-icon good">
          <Icon name="check" />
          {texts.noFindings}
        </p>
      ) : (
        <ul class="findings" lang="en">
          {wrong.map(({ check, state, says, remedy }) => (
            <li key={`${check} ${says}`} class={state}>
              <Icon name="warning" />
              <div>
                <p>{says}</p>
                {remedy && <p class="dim">{remedy}</p>}
              </div>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Nodes({ nodes }: Pick<State, 'nodes'>) {
  const texts = t.overview;
  return (
    <Panel title={texts.servers}>
      <ul class="parties">
        {nodes.map(({ id, here, alive, lag }) => (
          <li key={id}>
            <p>
              <code class="long">{id}</code>
              {here && <span class="badge">{texts.here}</span>}
            </p>
            <p class={alive ? 'good' : 'error'}>
              {alive ? texts.alive : texts.silent}
              {lag > 0 && `, ${texts.behind(lag)}`}
            </p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Applications({ verifiers }: Pick<State, 'verifiers'>) {
  const texts = t.overview;
  return (
    <Panel title={texts.applications}>
      {verifiers.length === 0 && <p class="dim">{texts.noApplications}</p>}
      <ul class="parties">
        {verifiers.map(({ name, key, attached, leaseMs, lag }, i) => (
          <li key={`${key.id} ${name} ${i}`}>
            <p>{name ? <Given text={name} /> : <Given text={key.name} />}</p>
            <p class={attached && leaseMs > 0 ? 'good' : 'dim'}>
              {attached ? (leaseMs > 0 ? texts.lease(brief(leaseMs)) : texts.noLease) : texts.left}
              {lag > 0 && `, ${texts.behind(lag)}`}
            </p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
