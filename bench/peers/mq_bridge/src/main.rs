//! mq-bridge as a bridge from MQTT to Kafka, by the environment that the bench sets. As it is by default: records without a key of ours, so
//! without order by home. (MQB_SOURCE_METADATA and a partition_key of mqb.src.mqtt_topic would keep it, at a cost that was not looked at.)

use std::env::var;

use mq_bridge::Route;
use serde_json::json;

#[tokio::main]
async fn main() {
    let of = |name: &str| var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let route = json!({
        "input": {"mqtt": {
            "url": format!("tcp://{}", of("BENCH_MQTT")),
            "topic": of("BENCH_FILTER"),
            "client_id": of("BENCH_CLIENT"),
            "username": of("BENCH_USER"),
            "password": of("BENCH_PASSWORD"),
            "protocol": "v3",
            "qos": 1,
            "clean_session": false,
            "queue_capacity": 10000,
            "max_inflight": 20000,
        }},
        "output": {"kafka": {
            "url": of("BENCH_KAFKA"),
            "topic": of("BENCH_TOPIC"),
            "create_topic": false,
            "producer_options": [["acks", "all"]],
        }},
    });
    let running = Route::from_config(route, "bridge").expect("a route").run("bridge").await.expect("a start");
    let mut end = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).expect("a signal");
    end.recv().await;
    running.stop().await;
    let _ = running.join().await;
}
