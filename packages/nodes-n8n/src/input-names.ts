/** The parameter that says from which input another is taken. */
export const inputNameOf = (parameter: string): string => `${parameter}Input`;

/** The parameter that says which field of the input it is: the name of one, so no secret, which n8n reads from “token”. */
export const fieldNameOf = (parameter: string): string => `${parameter.replace(/Token$/, '')}InputField`;
