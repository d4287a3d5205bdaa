import type { ApiKey } from 'curfew-client';
import { useState } from 'preact/hooks';
import { api, changes } from '../../app/api.ts';
import { usePages } from '../../app/pages.ts';
import { Button } from '../../parts/button.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { More } from '../../parts/more.tsx';
import { Page } from '../../parts/page.tsx';
import { Problem } from '../../parts/problem.tsx';
import { Receipt } from '../../parts/receipt.tsx';
import { Empty, Loading } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { actorText, Given, Time } from '../../parts/things.tsx';
import { t } from '../../texts/index.ts';
import { NewKey } from './new-key.tsx';

export default function Keys() {
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey>();
  const pages = usePages({
    key: ['keys'],
    ask: (cursor, signal) => api.listKeys({ limit: 50, cursor }, { signal }),
  });
  const keys = pages.data?.flatMap((page) => page.keys);
  return (
    <Page
      title={t.keys.title}
      intro={t.keys.intro}
      actions={
        <Button kind="main" onClick={() => setCreating(true)}>
          {t.keys.create}
        </Button>
      }
    >
      {pages.isPending && <Loading />}
      {pages.error && !keys && <Problem error={pages.error} page onAgain={pages.again} />}
      {keys?.length === 0 && (
        <Empty icon="keys" title={t.keys.empty.title}>
          <p>{t.keys.empty.text}</p>
        </Empty>
      )}
      {keys && keys.length > 0 && (
        <>
          <List keys={keys} onRevoke={setRevoking} />
          <More {...pages} />
        </>
      )}
      {creating && <NewKey onClose={() => setCreating(false)} />}
      {revoking && (
        <Confirm
          title={t.keys.revokeTitle(revoking.name)}
          action={t.keys.revoke}
          danger
          ends
          step={(options) => changes.revokeKey({ id: revoking.id }, options)}
          outcome={({ receipt }) => <Receipt receipt={receipt} />}
          onClose={() => setRevoking(undefined)}
        >
          <p>{t.keys.revokeText}</p>
        </Confirm>
      )}
    </Page>
  );
}

function List({ keys, onRevoke }: { keys: readonly ApiKey[]; onRevoke(key: ApiKey): void }) {
  const { columns } = t.keys;
  return (
    <Table
      caption={t.keys.list}
      columns={[columns.name, columns.scopes, columns.created, columns.by, columns.used]}
      actions={columns.actions}
    >
      {keys.map((key) => (
        <tr key={key.id} class={key.revokedAt ? 'over' : undefined}>
          <th scope="row">
            <Given text={key.name} />
            <span class="sub">
              <code>{key.id}</code>
            </span>
          </th>
          <td data-label={columns.scopes}>
            {key.scopes.length === 0 ? t.keys.forBrowsers : <Scopes scopes={key.scopes} />}
          </td>
          <td data-label={columns.created}>
            <Time at={key.createdAt} />
          </td>
          <td data-label={columns.by}>{actorText(key.createdBy)}</td>
          <td data-label={columns.used}>{key.lastUsedAt ? t.keys.used(key.lastUsedAt) : t.keys.neverUsed}</td>
          <td class="end">
            {key.revokedAt ? (
              <span class="status ended">
                {t.keys.revoked} <Time at={key.revokedAt} />
              </span>
            ) : (
              <Button aria-label={t.keys.revokeNamed(key.name)} onClick={() => onRevoke(key)}>
                {t.keys.revoke}
              </Button>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Scopes({ scopes }: { scopes: ApiKey['scopes'] }) {
  if (scopes.length === Object.keys(t.rights.permissions).length) return <>{t.keys.allScopes}</>;
  return (
    <span class="scopes">
      {scopes.map((scope) => (
        <code class="chip" key={scope}>
          {scope}
        </code>
      ))}
    </span>
  );
}
