import type { Texts } from '../index.ts';

export const devices: Texts['devices'] = {
  title: 'Meine Geräte',
  intro: 'Wo Sie angemeldet sind.',
  thisDevice: 'Dieses Gerät',
};
