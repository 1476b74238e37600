// SPDX-License-Identifier: Apache-2.0
//! Places and budgets, with a clock that the tests set.

use super::*;
use std::collections::HashMap;

/// Places, a clock, and who lost his.
struct World {
    places: Places,
    limits: AdmissionLimits,
    now: Instant,
    bells: HashMap<u64, Arc<Notify>>,
}

impl World {
    fn new(connections: usize, connections_per_peer: usize) -> Self {
        let limits = AdmissionLimits {
            connections,
            connections_per_peer,
            arrivals_per_peer_per_minute: 100_000,
            work_per_peer_per_second: 1_000_000,
        };
        Self { places: Places::default(), limits, now: Instant::now(), bells: HashMap::new() }
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    fn admit(&mut self, address: impl Into<IpAddr>) -> Option<u64> {
        let (number, taken) = self.places.admit(self.now, address.into(), &self.limits)?;
        self.bells.insert(number, taken);
        Some(number)
    }

    /// Whether the connection still has its place; a bell rings exactly if it has not.
    fn holds(&self, number: u64) -> bool {
        let holds = self.places.active(number).is_some();
        let bell = self.bells[&number].clone();
        let rung = futures::FutureExt::now_or_never(async move { bell.notified().await }).is_some();
        if rung {
            self.bells[&number].notify_one();
        }
        assert_ne!(holds, rung);
        holds
    }
}

fn v4(third: u8, last: u8) -> IpAddr {
    IpAddr::from([10, 0, third, last])
}

#[test]
fn c10_places_are_limited_in_all_and_per_peer_and_come_back() {
    let mut world = World::new(3, 2);
    let numbers = [world.admit(v4(0, 1)).unwrap(), world.admit(v4(0, 1)).unwrap()];
    let third = world.admit(v4(0, 1)).unwrap();
    assert_eq!([numbers[0], numbers[1], third].map(|number| world.holds(number)), [false, true, true]);
    let fourth = world.admit(v4(0, 2)).unwrap();
    world.places.leave(third);
    let fifth = world.admit(v4(0, 3)).unwrap();
    assert!([numbers[1], fourth, fifth].iter().all(|number| world.holds(*number)));
    assert_eq!(world.places.held.len(), 3);
}

#[test]
fn c10_arrivals_are_limited_per_peer() {
    let mut world = World::new(100, 100);
    world.limits.arrivals_per_peer_per_minute = 3;
    for _ in 0..3 {
        world.admit(v4(0, 1)).unwrap();
    }
    assert!(world.admit(v4(0, 1)).is_none());
    assert!(world.admit(v4(0, 2)).is_some());
    world.pass(20);
    assert!(world.admit(v4(0, 1)).is_some());
    assert!(world.admit(v4(0, 1)).is_none());
}

#[test]
fn c10_a_network_of_ipv6_addresses_is_one_peer() {
    let mut world = World::new(100, 1);
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let first = world.admit(ip("2001:db8::1")).unwrap();
    let other = world.admit(ip("2001:db8:0:1::1")).unwrap();
    assert!(world.holds(first) && world.holds(other));
    world.admit(ip("2001:db8::ffff:2")).unwrap();
    assert!(!world.holds(first) && world.holds(other));
}

#[test]
fn c15_a_few_addresses_that_hold_all_places_lose_one_to_each_newcomer() {
    let mut world = World::new(256, 64);
    let attackers: Vec<u64> =
        (0..256u32).map(|index| world.admit(v4(1, (index % 4) as u8)).unwrap()).collect();
    world.pass(1);
    for number in &attackers {
        world.places.touch(*number, world.now);
    }
    let newcomers: Vec<u64> = (0..100).map(|last| world.admit(v4(2, last)).unwrap()).collect();
    assert!(newcomers.iter().all(|number| world.holds(*number)));
    assert_eq!(attackers.iter().filter(|number| world.holds(**number)).count(), 156);
    // Who comes again takes his own places, not theirs, however long they are silent.
    world.pass(60);
    for index in 0..1_000u32 {
        world.admit(v4(1, (index % 4) as u8)).unwrap();
    }
    assert!(newcomers.iter().all(|number| world.holds(*number)));
    assert_eq!(world.places.held.len(), 256);
}

#[test]
fn c15_two_addresses_that_hold_all_places_for_peers_lose_one_to_a_newcomer() {
    let mut world = World::new(8, 4);
    for index in 0..8u8 {
        world.admit(v4(1, index % 2)).unwrap();
    }
    let newcomer = world.admit(v4(2, 1)).unwrap();
    for index in 0..100u8 {
        world.admit(v4(1, index % 2)).unwrap();
    }
    assert!(world.holds(newcomer));
}

#[test]
fn c15_among_equals_the_longest_idle_goes() {
    let mut world = World::new(3, 3);
    let mut numbers = Vec::new();
    for last in 0..3 {
        numbers.push(world.admit(v4(1, last)).unwrap());
        world.pass(1);
    }
    world.places.touch(numbers[0], world.now);
    world.admit(v4(2, 1)).unwrap();
    assert_eq!(numbers.iter().map(|number| world.holds(*number)).collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn c15_having_been_here_keeps_nobody_out() {
    let mut world = World::new(16, 4);
    for index in 0..u32::try_from(MAX_REMEMBERED).unwrap() + 100 {
        let number = world.admit(IpAddr::from((0x0a00_0000 + index).to_be_bytes())).unwrap();
        world.places.leave(number);
    }
    assert_eq!(world.places.peers.len(), MAX_REMEMBERED);
    assert!(world.admit(v4(200, 200)).is_some());
}

#[test]
fn c14_an_address_has_one_budget_over_all_its_connections() {
    let mut world = World::new(10, 10);
    world.limits.work_per_peer_per_second = 100;
    let [first, second, other] = [v4(0, 1), v4(0, 1), v4(0, 2)].map(|address| world.admit(address).unwrap());
    // A burst of ten seconds' worth, less two handshakes.
    assert_eq!(world.places.spend(first, world.now, 900), Ok(()));
    assert_eq!(world.places.spend(second, world.now, 60), Ok(()));
    assert_eq!(world.places.spend(first, world.now, 1), Err(Duration::from_millis(10)));
    assert_eq!(world.places.spend(second, world.now, 50), Err(Duration::from_millis(500)));
    // Neither does a new connection help, nor does it concern others.
    assert!(world.admit(v4(0, 1)).is_none());
    assert_eq!(world.places.spend(other, world.now, 900), Ok(()));
    world.pass(1);
    assert_eq!(world.places.spend(first, world.now, 100), Ok(()));
}

#[test]
fn credit_has_to_be_waited_for() {
    let begun = Instant::now();
    let mut bucket = Bucket::new(begun, 10, 10);
    assert_eq!(bucket.take_on_credit(begun, 10), Duration::ZERO);
    assert_eq!(bucket.take_on_credit(begun, 5), Duration::from_millis(500));
    assert_eq!(bucket.take_on_credit(begun + Duration::from_millis(500), 1), Duration::from_millis(100));
}
