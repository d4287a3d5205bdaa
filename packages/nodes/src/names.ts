/** The Node-RED type for a declared name: `createUserSession` becomes `curfew-create-user-session`. */
export function typeOf(name: string): string {
  return `curfew-${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The key under which Node-RED keeps a parameter's secret: with the credentials, beside its expression. */
export function secretOf(parameter: string): string {
  return `${parameter}Secret`;
}

/** The type of the configuration node of a service. */
export function serverTypeOf(service: string): string {
  return service === 'curfew' ? 'curfew-server' : `curfew-${service}-server`;
}
