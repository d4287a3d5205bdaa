import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import { type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

// #region example

import { Body, Controller, Get, HttpException, Post, Req, Res, UseGuards } from '@nestjs/common';
import { type NestRequest, type NestResponse, nestSessions } from 'curfew-client/nestjs';
import { client, verifier } from './curfew.ts';

const sessions = nestSessions(verifier, { HttpException, client, refreshAfter: 15 * 60 });

@Controller()
class Shop {
  @Post('login')
  async login(@Body() body: { userId: string }, @Res({ passthrough: true }) response: NestResponse) {
    // After your own check of the password:
    await sessions.signIn(response, { userId: body.userId, metadata: { plan: 'paid' } });
    return 'signed in';
  }

  @Post('logout')
  async logOut(@Res({ passthrough: true }) response: NestResponse) {
    await sessions.logOut(response);
    return 'signed out';
  }

  @Get('me')
  @UseGuards(sessions())
  me(@Req() { curfewSession }: NestRequest) {
    return { userId: curfewSession.userId, plan: curfewSession.metadata.plan };
  }

  @Get('staff')
  @UseGuards(sessions({ groups: ['staff'] }))
  staff() {
    return 'staff only';
  }

  @Get('account')
  @UseGuards(sessions({ signedInWithin: 15 * 60 }))
  account() {
    return 'a fresh sign-in';
  }
}
// #endregion

@Controller()
class More {
  @Post('refresh')
  async refresh(@Res({ passthrough: true }) response: NestResponse) {
    await sessions.refresh(response);
    return 'refreshed';
  }

  @Post('write')
  @UseGuards(sessions())
  write(@Body() body: { text: string }) {
    return body.text;
  }

  @Get('broken')
  @UseGuards(sessions())
  broken() {
    throw new Error('broken on purpose');
  }

  @Get('leave')
  @UseGuards(sessions())
  async leave(@Res({ passthrough: true }) response: NestResponse) {
    await sessions.logOut(response);
    return 'signed out';
  }
}

@Module({ controllers: [Shop, More] })
class App {}

const adapter = process.env['PLATFORM'] === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
const app: INestApplication = await NestFactory.create(App, adapter, { logger: false });
await app.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1');
console.log(`listening on http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`);
