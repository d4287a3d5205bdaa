export const devices = {
  title: 'My devices',
  intro: 'Where you are signed in.',
  thisDevice: 'This device',
};
