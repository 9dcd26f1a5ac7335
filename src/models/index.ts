import { Registry } from '../registry.js';
import { cifar3 } from './cifar3.js';
import { densenet } from './densenet.js';
import type { Model, ModelContext } from './model.js';
import { resnet } from './resnet.js';
import { wideResnet } from './wide-resnet.js';

/** The models that a config can name, made for a data set's images and classes. */
export const models = new Registry<[ModelContext], Model>('model', [resnet, wideResnet, densenet, cifar3]);
