"""Drives kafka-python (pure Python) for the client matrix; driver.py describes calls and answers."""

import sys
import threading
import time

import kafka
from kafka import ConsumerRebalanceListener, KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.errors import KafkaError, for_code

import driver

TIMEOUT = 20
ASSIGNORS = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}


class Driver:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.administrator = None
        self.members = {}

    def version(self):
        return kafka.__version__

    def produce(self, topic, partition, codec, acks, idempotent, records):
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap, compression_type=None if codec == "none" else codec,
            acks="all" if acks == -1 else acks, linger_ms=10, max_block_ms=TIMEOUT * 1000)
        try:
            sent = [
                producer.send(
                    topic, driver.to_bytes(record["value"]), driver.to_bytes(record["key"]),
                    [(header["name"], driver.to_bytes(header["value"])) for header in record["headers"]], partition,
                    record["timestampMs"])
                for record in records]
            for future in sent:
                future.get(TIMEOUT)
        finally:
            producer.close(TIMEOUT)

    def read(self, topic, partition, positions):
        where = TopicPartition(topic, partition)
        consumer = self._consumer(None)
        try:
            consumer.assign([where])
            runs = []
            for position in positions:
                self._seek(consumer, where, position)
                runs.append(self._read_to_end(consumer, where))
            return runs
        finally:
            consumer.close()

    def watermarks(self, topic, partition):
        where = TopicPartition(topic, partition)
        consumer = self._consumer(None)
        try:
            return {"low": consumer.beginning_offsets([where])[where], "high": consumer.end_offsets([where])[where]}
        finally:
            consumer.close()

    def offset_for_time(self, topic, partition, timestamp_ms):
        where = TopicPartition(topic, partition)
        consumer = self._consumer(None)
        try:
            return consumer.offsets_for_times({where: timestamp_ms})[where].offset
        finally:
            consumer.close()

    def describe_cluster(self):
        cluster = self._admin().describe_cluster()
        return {
            "clusterId": cluster["cluster_id"],
            "controller": cluster["controller_id"],
            "brokers": sorted(broker["node_id"] for broker in cluster["brokers"]),
        }

    def create_topic(self, topic, partitions, configs):
        self._admin().create_topics([NewTopic(topic, partitions, 1, topic_configs=configs)])

    def list_topics(self):
        return sorted(self._admin().list_topics())

    def describe_topic(self, topic):
        found = self._admin().describe_topics([topic])[0]
        return [
            {"partition": partition["partition"], "leader": partition["leader"], "replicas": partition["replicas"]}
            for partition in sorted(found["partitions"], key=lambda partition: partition["partition"])]

    def create_partitions(self, topic, total):
        self._admin().create_partitions({topic: NewPartitions(total)})

    def describe_configs(self, topic):
        answers = self._admin().describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        code, message, _, _, entries = answers[0].resources[0]
        if code:
            raise for_code(code)(message)
        return {entry[0]: entry[1] for entry in entries}

    def alter_configs(self, topic, configs):
        answer = self._admin().alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=configs)])
        code, message = answer.resources[0][:2]
        if code:
            raise for_code(code)(message)

    def delete_topic(self, topic):
        self._admin().delete_topics([topic])

    def start_member(self, member, group, topic, assignor, instance, auto_commit):
        consumer = self._consumer(group, {
            "partition_assignment_strategy": [ASSIGNORS[assignor]], "auto_offset_reset": "earliest", "session_timeout_ms": 6000,
            "heartbeat_interval_ms": 300, "enable_auto_commit": auto_commit, "auto_commit_interval_ms": 200,
            "metadata_max_age_ms": 500})
        self.members[member] = Member(consumer, topic)

    def member_state(self, member):
        return self.members[member].state()

    def commit_member(self, member):
        self.members[member].commit()

    def close_member(self, member):
        self.members.pop(member).close()

    def committed(self, group, topic, partition):
        consumer = self._consumer(group)
        try:
            return consumer.committed(TopicPartition(topic, partition))
        finally:
            consumer.close(autocommit=False)

    def list_groups(self):
        return sorted(group for group, _ in self._admin().list_consumer_groups())

    def describe_group(self, group):
        found = self._admin().describe_consumer_groups([group])[0]
        return {"state": found.state, "protocol": found.protocol, "members": len(found.members)}

    def group_offsets(self, group, topic):
        offsets = self._admin().list_consumer_group_offsets(group)
        return {str(where.partition): found.offset for where, found in offsets.items() if where.topic == topic}

    def delete_group(self, group):
        for _, error in self._admin().delete_consumer_groups([group]):
            if error.errno:
                raise error

    def _admin(self):
        # A new one for each call: it does not come back from a connection that was lost when the node was restarted.
        if self.administrator is not None:
            self.administrator.close()
        self.administrator = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        return self.administrator

    def _consumer(self, group, settings=None):
        return KafkaConsumer(bootstrap_servers=self.bootstrap, group_id=group, **{
            "enable_auto_commit": False, "fetch_max_wait_ms": 100, "auto_offset_reset": "none", **(settings or {})})

    @staticmethod
    def _seek(consumer, where, position):
        kind, number = driver.position_of(position)
        if kind == "beginning":
            consumer.seek_to_beginning(where)
        elif kind == "end":
            consumer.seek_to_end(where)
        elif kind == "time":
            consumer.seek(where, consumer.offsets_for_times({where: number})[where].offset)
        else:
            consumer.seek(where, number)

    @staticmethod
    def _read_to_end(consumer, where):
        end = consumer.end_offsets([where])[where]
        deadline = time.monotonic() + TIMEOUT
        records = []
        while consumer.position(where) < end:
            if time.monotonic() > deadline:
                raise TimeoutError(f"at {consumer.position(where)} of {end} after {len(records)} records")
            for batch in consumer.poll(100).values():
                records += [driver.record(r.key, r.value, r.headers, r.timestamp, r.offset) for r in batch]
        return records


class Member(ConsumerRebalanceListener):
    """A consumer of a group, used by a thread of its own until it is closed: the client bears no second thread."""

    def __init__(self, consumer, topic):
        self.consumer = consumer
        self.lock = threading.Lock()
        self.assignment = []
        self.consumed = []
        self.error = None
        self.closing = False
        self.commit_wanted = threading.Event()
        self.commit_done = threading.Event()
        consumer.subscribe([topic], listener=self)
        self.thread = threading.Thread(target=self._poll, daemon=True)
        self.thread.start()

    def state(self):
        if self.error:
            raise self.error
        with self.lock:
            return {"assignment": sorted(self.assignment), "consumed": list(self.consumed)}

    def commit(self):
        self.commit_done.clear()
        self.commit_wanted.set()
        if not self.commit_done.wait(TIMEOUT):
            raise self.error or TimeoutError("the commit did not end")

    def close(self):
        self.closing = True
        self.thread.join(TIMEOUT)
        if self.error:
            raise self.error

    def on_partitions_assigned(self, assigned):
        with self.lock:
            self.assignment = [partition.partition for partition in assigned]

    def on_partitions_revoked(self, revoked):
        with self.lock:
            self.assignment = []

    def _poll(self):
        try:
            while not self.closing:
                for batch in self.consumer.poll(50).values():
                    with self.lock:
                        self.consumed += [{"partition": r.partition, "offset": r.offset} for r in batch]
                if self.commit_wanted.is_set():
                    self.commit_wanted.clear()
                    self.consumer.commit()
                    self.commit_done.set()
            self.consumer.close()
        except Exception as error:
            self.error = error


def code_of(error):
    code = getattr(error, "errno", None) if isinstance(error, KafkaError) else None
    return code if code and code > 0 else None


driver.serve(Driver(sys.argv[1]), code_of)
