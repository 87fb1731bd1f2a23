#!/usr/bin/env node
import { x } from '../core/index.js';

process.stdout.write(`${x}\n`);
