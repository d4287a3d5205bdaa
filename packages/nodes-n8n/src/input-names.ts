/** The parameter that selects the input from which another parameter is taken. */
export const inputNameOf = (parameter: string): string => `${parameter}Input`;

/** The parameter that selects the input's field. Its name has no “Token”, because n8n would treat it as a secret. */
export const fieldNameOf = (parameter: string): string => `${parameter.replace(/Token$/, '')}InputField`;
