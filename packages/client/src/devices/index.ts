import { CurfewDevicesElement } from './element.ts';

export { CurfewDevicesElement, type EndedDetail, type GetToken } from './element.ts';

/** Makes `<curfew-devices>` known to the browser, under that name or another. Loading this does it once. */
export function defineCurfewDevices(name = 'curfew-devices'): void {
  if (globalThis.customElements && !customElements.get(name)) customElements.define(name, CurfewDevicesElement);
}

defineCurfewDevices();
