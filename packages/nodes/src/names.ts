/** How a name of the declarations reads as a type of Node-RED: `createUserSession` is `curfew-create-user-session`. */
export function typeOf(name: string): string {
  return `curfew-${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Where Node-RED keeps the secret that somebody typed in for a parameter: with the credentials, beside its expression. */
export function secretOf(parameter: string): string {
  return `${parameter}Secret`;
}

/** The type of the configuration node of a service. */
export function serverTypeOf(service: string): string {
  return service === 'curfew' ? 'curfew-server' : `curfew-${service}-server`;
}
