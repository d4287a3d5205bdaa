import { Page } from '../../parts/page.tsx';
import { t } from '../../texts/index.ts';

export default function Devices() {
  return (
    <Page title={t.devices.title} intro={t.devices.intro}>
      {null}
    </Page>
  );
}
