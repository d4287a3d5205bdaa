import type { Account } from 'curfew-client';
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { api } from '../../app/api.ts';
import { useAsked } from '../../app/data.ts';
import { go, linkTo } from '../../app/router.ts';
import type { ScreenProps } from '../../app/screens.ts';
import { me } from '../../app/who.ts';
import { Button } from '../../parts/button.tsx';
import { Page } from '../../parts/page.tsx';
import { Problem } from '../../parts/problem.tsx';
import { Loading } from '../../parts/states.tsx';
import { Given, Time } from '../../parts/things.tsx';
import { t } from '../../texts/index.ts';
import { EditAccount } from './edit.tsx';
import { type Step, StepDialog } from './steps.tsx';

export default function AccountScreen({ params }: ScreenProps) {
  const id = params['id']!;
  const asked = useAsked({ key: ['account', id], ask: (signal) => api.getAccount({ id }, { signal }) });
  const [step, setStep] = useState<Step | 'edit'>();
  const account = asked.data?.account;
  return (
    <Page
      title={account ? <Given text={account.username} /> : t.accounts.one}
      actions={account && <Actions account={account} onStep={setStep} />}
      intro={<a href={linkTo(['accounts'])}>{t.accounts.all}</a>}
    >
      {asked.isPending && <Loading />}
      {asked.error && !account && <Problem error={asked.error} page onAgain={asked.again} />}
      {account && <Facts account={account} onStep={setStep} />}
      {account && step === 'edit' && <EditAccount account={account} onClose={() => setStep(undefined)} />}
      {account && step && step !== 'edit' && (
        <StepDialog
          account={account}
          step={step}
          onClose={(gone) => {
            setStep(undefined);
            if (gone) go(linkTo(['accounts']), 'replace');
          }}
        />
      )}
    </Page>
  );
}

function Actions({ account, onStep }: { account: Account; onStep(step: Step | 'edit'): void }) {
  return (
    <>
      <Button onClick={() => onStep('edit')}>{t.accounts.change}</Button>
      <Button onClick={() => onStep(account.disabled ? 'enable' : 'disable')}>
        {account.disabled ? t.accounts.steps.enable.action : t.accounts.steps.disable.action}
      </Button>
      <Button kind="danger" onClick={() => onStep('delete')}>
        {t.accounts.steps.delete.action}
      </Button>
    </>
  );
}

function Facts({ account, onStep }: { account: Account; onStep(step: Step): void }) {
  const { facts } = t.accounts;
  const own = me.get()?.account?.id === account.id;
  return (
    <dl class="facts">
      <Fact name={facts.status}>
        <span class={`status ${account.disabled ? 'ended' : 'active'}`}>
          {account.disabled ? t.accounts.disabled : t.accounts.enabled}
        </span>
        {own && <span class="dim"> · {t.accounts.own}</span>}
      </Fact>
      <Fact name={facts.name}>{account.name ? <Given text={account.name} /> : t.common.none}</Fact>
      <Fact name={facts.email}>{account.email ? <Given text={account.email} /> : t.common.none}</Fact>
      {account.pendingEmail && (
        <Fact name={facts.pendingEmail}>
          <Given text={account.pendingEmail} />{' '}
          <Button onClick={() => onStep('confirmEmail')}>{t.accounts.steps.confirmEmail.action}</Button>
        </Fact>
      )}
      <Fact name={facts.roles}>{account.roles.join(', ') || t.common.none}</Fact>
      <Fact name={facts.permissions}>{account.permissions.join(', ') || t.common.none}</Fact>
      <Fact name={facts.factor}>
        {account.totp ? t.accounts.factorWith(account.backupCodesLeft) : t.accounts.factorOff}{' '}
        {account.totp && <Button onClick={() => onStep('resetFactor')}>{t.accounts.steps.resetFactor.action}</Button>}
      </Fact>
      <Fact name={facts.sessions}>
        <a href={linkTo(['users', account.id])}>{t.accounts.toSessions}</a>
      </Fact>
      <Fact name={facts.signedIn}>
        {account.lastLoginAt ? <Time at={account.lastLoginAt} away /> : t.accounts.never}
      </Fact>
      <Fact name={facts.created}>
        <Time at={account.createdAt} />
      </Fact>
      <Fact name={facts.id}>
        <code>{account.id}</code>
      </Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
