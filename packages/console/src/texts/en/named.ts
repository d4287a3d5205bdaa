import { name } from '../forms.ts';

export const named = {
  title: 'Named sessions',
  intro: 'A named session is a slot with a name and a configuration, which stay when the session in it ends.',
  list: 'Named sessions, by name',
  columns: {
    name: 'Name',
    status: 'Status',
    session: 'Session',
    user: 'User',
    changed: 'Changed',
    actions: 'Actions',
  },
  status: { working: 'Working', waiting: 'Waiting for a session', stopped: 'Stopped' },
  actions: { config: 'Configure', start: 'Start', stop: 'Stop', logout: 'End session', delete: 'Delete' },
  named: (action: string, of: string) => `${action}: ${name(of)}`,
  steps: {
    start: {
      title: (of: string) => `Start ${name(of)}?`,
      text: 'A session that was suspended in it can be used again.',
    },
    stop: {
      title: (of: string) => `Stop ${name(of)}?`,
      text: 'The session in it is suspended: it is kept, but it is not valid until you start it again.',
    },
    logout: {
      title: (of: string) => `End the session in ${name(of)}?`,
      text: 'The name and its configuration stay, and another session can take its place.',
    },
    delete: {
      title: (of: string) => `Delete ${name(of)}?`,
      text: 'The session in it ends, and the name and its configuration are removed. This cannot be undone.',
    },
  },
  create: 'Create one',
  newTitle: 'Create a named session',
  name: 'Name',
  nameMissing: 'Enter a name.',
  config: 'Configuration',
  configHint: 'A JSON object for your own use, at most 16 KiB.',
  configWrong: 'This is not a JSON object.',
  configTitle: (of: string) => `Configuration of ${name(of)}`,
  empty: {
    title: 'No named sessions yet',
    text: 'One appears here when it is created, or when a session with a name is opened.',
  },
};
