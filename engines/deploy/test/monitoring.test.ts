import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parser } from '@prometheus-io/lezer-promql';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { parse } from 'yaml';
import { metricList } from '../../../packages/curfew/src/http/metric-list.ts';
import { root } from '../../../packages/curfew/test/support/pages.ts';
import type { Json } from '../../../packages/curfew/test/support/server.ts';

const read = (path: string) => readFileSync(join(root, 'deploy/monitoring', path), 'utf8');

/** The labels of every series that the server has, by the series' name; those that Prometheus adds are known too. */
const series = new Map<string, readonly string[]>();
for (const [name, declared] of Object.entries<{ type: string; labels?: readonly string[] }>(metricList)) {
  const labels = ['instance', 'job', ...(declared.labels ?? [])];
  if (declared.type !== 'histogram') series.set(name, labels);
  else for (const part of ['bucket', 'sum', 'count']) series.set(`${name}_${part}`, [...labels, 'le']);
}
const registry = new Registry();
collectDefaultMetrics({ register: registry });
for (const { name } of registry.getMetricsAsArray()) series.set(name, ['instance', 'job']);

type Used = { metrics: string[]; labels: [metric: string, label: string][] };

/** What an expression of PromQL asks for. @throws if it cannot be parsed */
function usedBy(expression: string): Used {
  // Grafana puts a duration in this place.
  const text = expression.replaceAll('$__rate_interval', '5m');
  const used: Used = { metrics: [], labels: [] };
  let metric = '';
  parser.parse(text).iterate({
    enter({ name, from, to, type }) {
      const word = text.slice(from, to);
      assert.ok(!type.isError, `${expression}: a mistake at ${from}`);
      if (name === 'Identifier') {
        metric = word;
        used.metrics.push(metric);
      }
      if (name === 'LabelName') used.labels.push([metric, word]);
    },
  });
  return used;
}

function check(expression: string): void {
  const { metrics, labels } = usedBy(expression);
  for (const name of metrics) assert.ok(series.has(name), `${expression}: there is no ${name}`);
  // A label of `by (…)` comes before the metric that has it.
  for (const [metric, label] of labels) {
    const having = metric === '' || /^(sum|max|min|count|histogram_quantile)\b/.test(expression) ? metrics : [metric];
    assert.ok(
      having.some((name) => series.get(name)!.includes(label)),
      `${expression}: no metric has ${label}`,
    );
  }
}

describe('alert rules and dashboard', () => {
  const { groups } = parse(read('alerts.yaml'));
  const dashboard = JSON.parse(read('dashboard.json'));

  test('every alert is complete, and asks for metrics and labels that exist', () => {
    const rules: Json[] = groups.flatMap((group: Json) => group.rules);
    assert.ok(rules.length > 10);
    assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
    for (const { alert, expr, for: lasting = '1s', labels, annotations, ...more } of rules) {
      assert.match(alert, /^Curfew[A-Z]\w+$/);
      check(expr);
      assert.match(lasting, /^\d+[smh]$/);
      assert.ok(['critical', 'warning'].includes(labels.severity), alert);
      assert.match(annotations.summary, /^.*[^.]\.$/, alert);
      assert.deepEqual(more, {}, alert);
    }
  });

  test('a single error of a code is noticed, an old one is not after a gap in the measurements, and that nobody answers', () => {
    const expressions: string[] = groups.flatMap((group: Json) => group.rules.map(({ expr }: Json) => expr));
    // The server counts these from 0: packages/curfew/test/http/metrics.test.ts.
    for (const [name, code] of [
      ['curfew_store_errors_total', 'store_full'],
      ['curfew_errors_total', 'internal'],
    ])
      assert.ok(expressions.includes(`increase(${name}{code="${code}"}[5m]) > 0`), name);
    // After a gap, each series seems to be a new one.
    for (const expr of expressions) assert.doesNotMatch(expr, /\boffset\b/);
    assert.ok(expressions.includes('absent(curfew_build_info)'));
  });

  test('a sweep that has not been completed since the start is noticed, and so is one that always leaves more to do', () => {
    const rules = new Map<string, Json>(
      groups.flatMap((group: Json) => group.rules.map((rule: Json) => [rule.alert, rule])),
    );
    const { expr } = rules.get('CurfewSweepBehind');
    const completed = 'curfew_sweep_completed_timestamp_seconds';
    // The time of each operand; `and` binds more tightly than `or`, so that no other program is measured by its start.
    const [, of] = /^time\(\) - \((.*)\) > 300$/.exec(expr)!;
    assert.deepEqual(of!.split(' or '), [`${completed} > 0`, `process_start_time_seconds and ${completed} == 0`]);
    const backlog = rules.get('CurfewSweepBacklog');
    assert.deepEqual([backlog.expr, backlog.for], ['curfew_sweep_backlog == 1', '10m']);
  });

  test('every panel of the dashboard asks for metrics and labels that exist', () => {
    const ids = dashboard.panels.map(({ id }: Json) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const { title, targets, gridPos, fieldConfig } of dashboard.panels) {
      assert.ok(targets.length > 0 && gridPos.x + gridPos.w <= 24, title);
      assert.ok(fieldConfig.defaults.unit, title);
      for (const { expr } of targets) check(expr);
    }
    const variables = dashboard.templating.list.map(({ name }: Json) => name);
    for (const [, name] of JSON.stringify(dashboard.panels).matchAll(/\$\{?(?!__)(\w+)/g)) {
      assert.ok(variables.includes(name!), `$${name} is not a variable of the dashboard`);
    }
  });

  test('a metric, a label or an expression that does not exist is found', () => {
    assert.throws(() => check('curfew_no_such_total > 1'), /there is no/);
    assert.throws(() => check('sum by (colour) (curfew_ends_total)'), /no metric has colour/);
    assert.throws(() => check('curfew_ends_total{colour="red"}'), /no metric has colour/);
    assert.throws(() => check('sum(curfew_ends_total'), /a mistake/);
  });

  test('the duration of an end is asked for in seconds', () => {
    for (const { title, targets, fieldConfig } of dashboard.panels) {
      const isTime = targets.every(({ expr }: Json) => /histogram_quantile|_seconds\{|time\(\)/.test(expr));
      if (isTime) assert.equal(fieldConfig.defaults.unit, 's', title);
    }
  });
});
