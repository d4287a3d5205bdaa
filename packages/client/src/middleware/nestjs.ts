import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Cookie, cookieHeaders } from './cookies.ts';
import { type Helpers, helpersOf } from './helpers.ts';
import { type AppSession, type Requirement, type SessionOptions, Sessions, type VerifierSource } from './sessions.ts';

/** What Nest's `ExecutionContext` has, as far as it is needed here. */
export type NestContext = { switchToHttp(): { getRequest(): unknown; getResponse(): unknown } };

/** A request whose session was found active, of the platform that Nest runs on. */
export type NestRequest = { curfewSession: AppSession };

/** The response of Express, or the reply of Fastify: what `@Res({ passthrough: true })` gives. */
export type NestResponse =
  | ServerResponse
  | { request: { raw: IncomingMessage }; header(name: string, value: string): unknown };

export type NestGuard = { canActivate(context: NestContext): Promise<boolean> };

export type NestOptions = SessionOptions & {
  /** `HttpException` of `@nestjs/common`, with which the guard refuses a request. */
  HttpException: new (
    body: Record<string, unknown>,
    status: number,
  ) => Error;
};

/** Makes guards; and the helpers, each of which takes the response. */
export type NestSessions = Helpers<NestResponse> & ((requirement?: Requirement) => NestGuard);

/**
 * Sessions for Nest, on Express or Fastify, as a guard.
 *
 *     const requireSession = nestSessions(verifier, { HttpException });
 *
 *     @UseGuards(requireSession({ groups: ['staff'] }))
 *     @Get('admin')
 *     admin(@Req() request: NestRequest) { return request.curfewSession; }
 */
export function nestSessions(verifier: VerifierSource, { HttpException, ...options }: NestOptions): NestSessions {
  const sessions = new Sessions(verifier, options);
  const requireSession = (requirement: Requirement = {}): NestGuard => ({
    async canActivate(context) {
      const http = context.switchToHttp();
      const response = http.getResponse() as NestResponse;
      const found = await sessions.verifyRequest(requestOf(response), requirement);
      setCookies(response, found.cookies);
      if ('refusal' in found) {
        const { status, headers, body } = found.refusal;
        for (const [name, value] of Object.entries(headers)) setHeader(response, name, value);
        throw new HttpException(body, status);
      }
      Object.assign(http.getRequest() as object, { curfewSession: found.session });
      return true;
    },
  });
  return Object.assign(requireSession, helpersOf<NestResponse>(sessions, requestOf, setCookies));
}

function requestOf(response: NestResponse): IncomingMessage {
  return 'request' in response ? response.request.raw : response.req;
}

function setCookies(response: NestResponse, cookies: readonly Cookie[]): void {
  for (const [name, value] of cookieHeaders(cookies)) setHeader(response, name, value);
}

function setHeader(response: NestResponse, name: string, value: string): void {
  // Fastify adds to `set-cookie`, and replaces other headers.
  if ('request' in response) response.header(name, value);
  else if (name === 'set-cookie') response.appendHeader(name, value);
  else response.setHeader(name, value);
}
