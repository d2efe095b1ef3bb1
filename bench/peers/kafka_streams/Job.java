import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The one job in Kafka Streams, one thread: state in RocksDB with a changelog, or in memory without one. The store is cached in front,
 * as the DSL's stores are by default, which is the faster way.
 *
 * <p>Arguments: broker, input, output, application id, folder, mode (rocksdb or memory), seconds between commits, partitions (not needed).
 */
public final class Job {
  private static final int WINDOW = 10;
  private static final int LINE_BPM = 110;
  private static final ObjectMapper JSON = new ObjectMapper();

  public record Reading(String resident, long at_s, int bpm) {}

  /** State: readings so far (up to WINDOW), place of the next, whether the mean is high, the readings. */
  private static final class Look implements Processor<String, byte[], String, byte[]> {
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, byte[]> kept;

    @Override
    public void init(ProcessorContext<String, byte[]> context) {
      this.context = context;
      this.kept = context.getStateStore("kept");
    }

    @Override
    public void process(Record<String, byte[]> record) {
      Reading reading;
      try {
        reading = JSON.readValue(record.value(), Reading.class);
      } catch (java.io.IOException error) {
        throw new java.io.UncheckedIOException(error);
      }
      byte[] before = kept.get(reading.resident());
      ByteBuffer state = ByteBuffer.allocate(12 + 4 * WINDOW);
      if (before != null) {
        state.put(before).rewind();
      }
      int count = Math.min(WINDOW, state.getInt(0) + 1);
      int place = state.getInt(4);
      boolean wasHigh = state.getInt(8) == 1;
      state.putInt(12 + 4 * place, reading.bpm());
      int sum = 0;
      for (int at = 0; at < WINDOW; at++) {
        sum += state.getInt(12 + 4 * at);
      }
      boolean high = count == WINDOW && sum >= LINE_BPM * WINDOW;
      state.putInt(0, count).putInt(4, (place + 1) % WINDOW).putInt(8, high ? 1 : 0);
      kept.put(reading.resident(), state.array());
      if (high && !wasHigh) {
        String said = "{\"resident\":\"" + reading.resident() + "\",\"at_s\":" + reading.at_s() + "}";
        context.forward(record.withValue(said.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
      }
    }
  }

  public static void main(String[] words) {
    boolean durable = words[5].equals("rocksdb");
    StoreBuilder<KeyValueStore<String, byte[]>> store =
        Stores.keyValueStoreBuilder(
            durable ? Stores.persistentKeyValueStore("kept") : Stores.inMemoryKeyValueStore("kept"),
            Serdes.String(),
            Serdes.ByteArray());
    store = durable ? store.withLoggingEnabled(Map.of()).withCachingEnabled() : store.withLoggingDisabled();
    Topology topology = new Topology();
    topology.addSource("in", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), words[1]);
    topology.addProcessor("look", Look::new, "in");
    topology.addStateStore(store, "look");
    topology.addSink("out", words[2], Serdes.String().serializer(), Serdes.ByteArray().serializer(), "look");

    Properties settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, words[0]);
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, words[3]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, words[4]);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, Math.round(1000 * Double.parseDouble(words[6])));
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    KafkaStreams streams = new KafkaStreams(topology, settings);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(java.time.Duration.ofSeconds(15))));
    streams.start();
  }
}
