// Drives kafkajs for the client matrix; driver.py describes calls and answers. kafkajs consumes in groups only, so that a read joins one.

const { randomUUID } = require('node:crypto')
const readline = require('node:readline')
const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = require('kafkajs')
const { version } = require('kafkajs/package.json')
CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')

const timeoutMs = 20_000
const kafka = new Kafka({ clientId: 'matrix', brokers: [process.argv[2]], logLevel: logLevel.NOTHING, retry: { retries: 3 } })
const admin = kafka.admin()
const members = new Map()

const toBytes = text => (text === null ? null : Buffer.from(text, 'base64'))
const toText = data => (data === null || data === undefined ? null : Buffer.from(data).toString('base64'))

// kafkajs keeps headers in an object; a name that occurs twice has an array.
function toHeaders(list) {
  const headers = {}
  for (const { name, value } of list) {
    const data = toBytes(value)
    headers[name] = name in headers ? [headers[name], data].flat() : data
  }
  return headers
}

const fromHeaders = headers =>
  Object.entries(headers ?? {}).flatMap(([name, value]) => [value].flat().map(data => ({ name, value: toText(data) })))

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

async function until(condition, what) {
  for (const deadline = Date.now() + timeoutMs; !condition(); await sleep(5)) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what()}`)
  }
}

async function watermarks(topic, partition) {
  const found = (await admin.fetchTopicOffsets(topic)).find(each => each.partition === partition)
  return { low: Number(found.low), high: Number(found.high) }
}

async function offsetForTime(topic, partition, timestampMs) {
  const found = await admin.fetchTopicOffsetsByTimestamp(topic, timestampMs)
  return Number(found.find(each => each.partition === partition).offset)
}

async function offsetOf(topic, partition, position) {
  if (position === 'beginning') return (await watermarks(topic, partition)).low
  if (position === 'end') return (await watermarks(topic, partition)).high
  return position.startsWith('time:') ? offsetForTime(topic, partition, Number(position.slice(5))) : Number(position)
}

const calls = {
  version: async () => version,

  async produce({ topic, partition, codec, acks, idempotent, records }) {
    const types = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy }
    const producer = kafka.producer({ idempotent, allowAutoTopicCreation: true })
    await producer.connect()
    try {
      const messages = records.map(record => ({
        key: toBytes(record.key),
        value: toBytes(record.value),
        headers: toHeaders(record.headers),
        ...(partition === null ? {} : { partition }),
        ...(record.timestampMs === null ? {} : { timestamp: String(record.timestampMs) }),
      }))
      await producer.send({ topic, acks, compression: types[codec], messages })
    } finally {
      await producer.disconnect()
    }
  },

  async read({ topic, partition, positions }) {
    const consumer = kafka.consumer({ groupId: `reader-${randomUUID()}`, maxWaitTimeInMs: 100 })
    const { high } = await watermarks(topic, partition)
    let next = -1
    let wanted = -1
    let records = []
    let failure = null
    consumer.on(consumer.events.CRASH, ({ payload }) => { failure = payload.error })
    await consumer.connect()
    try {
      await consumer.subscribe({ topic, fromBeginning: true })
      let joined = false
      consumer.on(consumer.events.GROUP_JOIN, () => { joined = true })
      await consumer.run({
        autoCommit: false,
        eachMessage: async ({ partition: from, message }) => {
          const offset = Number(message.offset)
          // Until a seek has taken effect, records from before it still arrive.
          if (from !== partition || wanted < 0 || (next < 0 && offset !== wanted) || (next >= 0 && offset < next)) return
          next = offset + 1
          records.push({
            key: toText(message.key),
            value: toText(message.value),
            headers: fromHeaders(message.headers),
            timestampMs: Number(message.timestamp),
            offset,
          })
        },
      })
      await until(() => joined || failure, () => 'joining the group')
      const runs = []
      for (const position of positions) {
        const start = await offsetOf(topic, partition, position)
        records = []
        next = -1
        wanted = start
        consumer.seek({ topic, partition, offset: String(start) })
        if (start >= high) await sleep(300) // nothing may come
        else await until(() => next >= high || failure, () => `offset ${high}, at ${next}`)
        if (failure) throw failure
        runs.push(records)
        wanted = -1
      }
      return runs
    } finally {
      await consumer.disconnect()
    }
  },

  watermarks: ({ topic, partition }) => watermarks(topic, partition),
  offset_for_time: ({ topic, partition, timestamp_ms }) => offsetForTime(topic, partition, timestamp_ms),

  async describe_cluster() {
    const { clusterId, controller, brokers } = await admin.describeCluster()
    return { clusterId, controller, brokers: brokers.map(broker => broker.nodeId).sort() }
  },

  async create_topic({ topic, partitions, configs }) {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    const topics = [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }]
    // kafkajs swallows this one error, and tells of it by its answer.
    if (!(await admin.createTopics({ topics }))) throw Object.assign(new Error('the topic exists'), { code: 36 })
  },

  list_topics: async () => (await admin.listTopics()).sort(),

  async describe_topic({ topic }) {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0].partitions
      .map(({ partitionId, leader, replicas }) => ({ partition: partitionId, leader, replicas }))
      .sort((a, b) => a.partition - b.partition)
  },

  async create_partitions({ topic, total }) {
    await admin.createPartitions({ topicPartitions: [{ topic, count: total }] })
  },

  async describe_configs({ topic }) {
    const { resources } = await admin.describeConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }] })
    return Object.fromEntries(resources[0].configEntries.map(entry => [entry.configName, entry.configValue]))
  },

  async alter_configs({ topic, configs }) {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    await admin.alterConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }] })
  },

  async delete_records({ topic, partition, before }) {
    await admin.fetchTopicOffsets(topic) // the call knows the leaders only of topics that the client has met
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] })
  },

  async count_reassignments({ topic }) {
    const { topics } = await admin.listPartitionReassignments({ topics: [{ topic, partitions: [0] }] })
    return topics.reduce((count, { partitions }) => count + partitions.length, 0)
  },

  delete_topic: ({ topic }) => admin.deleteTopics({ topics: [topic] }),

  async start_member({ member, group, topic, auto_commit }) {
    const consumer = kafka.consumer({ groupId: group, sessionTimeout: 6000, heartbeatInterval: 300, maxWaitTimeInMs: 100, metadataMaxAge: 500 })
    const state = { consumer, topic, assignment: [], consumed: [], error: null }
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => { state.assignment = payload.memberAssignment[topic] ?? [] })
    consumer.on(consumer.events.REBALANCING, () => { state.assignment = [] })
    consumer.on(consumer.events.CRASH, ({ payload }) => { state.error = payload.error })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: auto_commit,
      autoCommitInterval: 200,
      eachMessage: async ({ partition, message }) => { state.consumed.push({ partition, offset: Number(message.offset) }) },
    })
    members.set(member, state)
  },

  async member_state({ member }) {
    const { assignment, consumed, error } = members.get(member)
    if (error) throw error
    return { assignment: [...assignment].sort((a, b) => a - b), consumed }
  },

  async commit_member({ member }) {
    const { consumer, topic, consumed } = members.get(member)
    const next = new Map()
    for (const { partition, offset } of consumed) next.set(partition, Math.max(next.get(partition) ?? 0, offset + 1))
    await consumer.commitOffsets([...next].map(([partition, offset]) => ({ topic, partition, offset: String(offset) })))
  },

  async close_member({ member }) {
    const { consumer } = members.get(member)
    members.delete(member)
    await consumer.disconnect()
  },

  async committed({ group, topic, partition }) {
    const offset = (await calls.group_offsets({ group, topic }))[partition]
    return offset ?? null
  },

  list_groups: async () => (await admin.listGroups()).groups.map(group => group.groupId).sort(),

  async describe_group({ group }) {
    const { groups: [found] } = await admin.describeGroups([group])
    return { state: found.state, protocol: found.protocol, members: found.members.length }
  },

  async group_offsets({ group, topic }) {
    const [{ partitions }] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
    return Object.fromEntries(partitions.filter(({ offset }) => offset !== '-1').map(({ partition, offset }) => [partition, Number(offset)]))
  },

  async set_group_offset({ group, topic, partition, offset }) {
    await admin.setOffsets({ groupId: group, topic, partitions: [{ partition, offset: String(offset) }] })
  },

  async delete_group({ group }) {
    await admin.deleteGroups([group])
  },
}

// Errors are wrapped: in the one that tells of the retries, or in one for all topics or groups of a call.
function codeOf(error) {
  const cause = error.errors?.[0] ?? error.groups?.[0]?.error ?? error.cause
  return error.code > 0 ? error.code : cause ? codeOf(cause) : null
}

async function main() {
  await admin.connect()
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const call = JSON.parse(line)
    let answer
    try {
      answer = { result: (await calls[call.call](call.arguments)) ?? null }
    } catch (error) {
      answer = { error: `${error.name}: ${error.message}`, code: codeOf(error) }
    }
    process.stdout.write(JSON.stringify(answer) + '\n')
  }
  process.exit(0)
}

main()
