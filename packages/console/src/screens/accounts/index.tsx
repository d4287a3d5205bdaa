import type { Account } from 'curfew-client';
import { useState } from 'preact/hooks';
import { api } from '../../app/api.ts';
import { usePages } from '../../app/pages.ts';
import { go, linkTo } from '../../app/router.ts';
import type { ScreenProps } from '../../app/screens.ts';
import { Button } from '../../parts/button.tsx';
import { Field } from '../../parts/field.tsx';
import { More } from '../../parts/more.tsx';
import { Page } from '../../parts/page.tsx';
import { Problem } from '../../parts/problem.tsx';
import { Empty, Loading } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Given, Time } from '../../parts/things.tsx';
import { t } from '../../texts/index.ts';
import { NewAccount } from './new-account.tsx';

export default function Accounts({ query }: ScreenProps) {
  const [creating, setCreating] = useState(false);
  const filter = query['filter'] ?? '';
  const pages = usePages({
    key: ['accounts', filter],
    ask: (cursor, signal) => api.listAccounts({ limit: 50, cursor, filter: filter || undefined }, { signal }),
    keep: true,
  });
  const accounts = pages.data?.flatMap((page) => page.accounts);
  return (
    <Page
      title={t.accounts.title}
      intro={t.accounts.intro}
      actions={
        <Button kind="main" onClick={() => setCreating(true)}>
          {t.accounts.create}
        </Button>
      }
    >
      <search class="filters">
        <Field
          type="search"
          label={t.accounts.filter}
          value={filter}
          maxLength={100}
          onValue={(value) => go(linkTo(['accounts'], { filter: value }), 'replace')}
        />
      </search>
      {pages.isPending && <Loading />}
      {pages.error && !accounts && <Problem error={pages.error} page onAgain={pages.again} />}
      {accounts?.length === 0 && (
        <Empty icon="accounts" title={t.accounts.emptyFiltered.title}>
          <p>{t.accounts.emptyFiltered.text}</p>
        </Empty>
      )}
      {accounts && accounts.length > 0 && (
        <>
          <List accounts={accounts} isOld={pages.isOld} />
          <More {...pages}>{pages.data?.at(-1)?.partial && <p class="dim">{t.accounts.partial}</p>}</More>
        </>
      )}
      {creating && (
        <NewAccount
          onClose={(made) => {
            setCreating(false);
            if (made) go(linkTo(['accounts', made.id]));
          }}
        />
      )}
    </Page>
  );
}

function List({ accounts, isOld }: { accounts: readonly Account[]; isOld: boolean }) {
  const { columns } = t.accounts;
  return (
    <Table
      caption={t.accounts.list}
      columns={[columns.account, columns.email, columns.roles, columns.factor, columns.signedIn]}
      isOld={isOld}
    >
      {accounts.map((account) => (
        <tr key={account.id} class={account.disabled ? 'over' : undefined}>
          <th scope="row">
            <a href={linkTo(['accounts', account.id])}>
              <Given text={account.username} />
            </a>
            {account.name && (
              <span class="sub">
                <Given text={account.name} />
              </span>
            )}
          </th>
          <td data-label={columns.email}>{account.email && <Given text={account.email} />}</td>
          <td data-label={columns.roles}>
            {account.disabled ? (
              <span class="status ended">{t.accounts.disabled}</span>
            ) : (
              account.roles.join(', ') || t.common.none
            )}
          </td>
          <td data-label={columns.factor}>{account.totp ? t.accounts.factorOn : t.accounts.factorOff}</td>
          <td data-label={columns.signedIn}>
            {account.lastLoginAt ? <Time at={account.lastLoginAt} away /> : t.accounts.never}
          </td>
        </tr>
      ))}
    </Table>
  );
}
