import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.KeyValue;
import de.bwaldvogel.mongo.backend.ValueComparator;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.bson.ObjectId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;

/**
 * An index that is not unique, by the value of its first field and in the order of its second. The backend has none, and
 * reads the whole collection where no unique index serves.
 *
 * <p>Finds the documents that may match; the backend then compares them with the whole filter, and sorts them.
 */
final class FieldIndex extends Index<Integer> {

    private static final ValueComparator ORDER = ValueComparator.ascWithoutListHandling();

    /** First value → second value (null where there is no second field) → positions. */
    private final Map<Object, NavigableMap<Object, Set<Integer>>> positions = new HashMap<>();

    /** The position of each document, by its id: it is not told when the document goes. */
    private final Map<Object, Integer> byId = new HashMap<>();

    FieldIndex(String name, List<IndexKey> keys, boolean sparse) {
        super(name, keys, sparse);
    }

    @Override
    public synchronized boolean canHandle(Document whole) {
        Document filter = flat(whole);
        if (!isPlain(plain(filter.get(keys().get(0))))) {
            return false;
        }
        return filter.size() == 1 || (keys().size() > 1 && filter.containsKey(keys().get(1)));
    }

    @Override
    public synchronized Iterable<Integer> getPositions(Document whole) {
        Document filter = flat(whole);
        NavigableMap<Object, Set<Integer>> bySecond = positions.get(comparable(plain(filter.get(keys().get(0)))));
        if (bySecond == null) {
            return List.of();
        }
        Object second = keys().size() > 1 ? plain(filter.get(keys().get(1))) : null;
        Set<Integer> found = new LinkedHashSet<>();
        for (Set<Integer> some : range(bySecond, second).values()) {
            found.addAll(some);
        }
        return new ArrayList<>(found);
    }

    private static NavigableMap<Object, Set<Integer>> range(
            NavigableMap<Object, Set<Integer>> all, Object condition) {
        if (isPlain(condition)) {
            return all.subMap(condition, true, condition, true);
        }
        NavigableMap<Object, Set<Integer>> rest = all;
        if (condition instanceof Document operators) {
            for (Map.Entry<String, Object> operator : operators.entrySet()) {
                Object bound = operator.getValue();
                if (!isPlain(bound)) {
                    continue;
                }
                switch (operator.getKey()) {
                    case "$gt" -> rest = rest.tailMap(bound, false);
                    case "$gte" -> rest = rest.tailMap(bound, true);
                    case "$lt" -> rest = rest.headMap(bound, false);
                    case "$lte" -> rest = rest.headMap(bound, true);
                    default -> { }
                }
            }
        }
        return rest;
    }

    @Override
    public synchronized void add(Document document, Integer position, MongoCollection<Integer> collection) {
        byId.put(comparable(document.get("_id")), position);
        for (KeyValue value : getKeyValues(document)) {
            positions.computeIfAbsent(comparable(value.get(0)), key -> new TreeMap<>(ORDER))
                    .computeIfAbsent(second(value), key -> new LinkedHashSet<>())
                    .add(position);
        }
    }

    @Override
    public synchronized Integer remove(Document document) {
        Integer position = byId.remove(comparable(document.get("_id")));
        if (position != null) {
            forget(document, position);
        }
        return position;
    }

    @Override
    public synchronized void updateInPlace(
            Document before, Document after, Integer position, MongoCollection<Integer> collection) {
        forget(before, position);
        add(after, position, collection);
    }

    private void forget(Document document, Integer position) {
        for (KeyValue value : getKeyValues(document)) {
            NavigableMap<Object, Set<Integer>> bySecond = positions.get(comparable(value.get(0)));
            Set<Integer> here = bySecond == null ? null : bySecond.get(second(value));
            if (here != null && here.remove(position) && here.isEmpty()) {
                bySecond.remove(second(value));
            }
        }
    }

    @Override
    public Integer getPosition(Document document) {
        return byId.get(comparable(document.get("_id")));
    }

    @Override
    public void checkAdd(Document document, MongoCollection<Integer> collection) {}

    @Override
    public void checkUpdate(Document before, Document after, MongoCollection<Integer> collection) {}

    @Override
    public long getCount() {
        return byId.size();
    }

    @Override
    public long getDataSize() {
        return 0;
    }

    @Override
    public synchronized void drop() {
        positions.clear();
        byId.clear();
    }

    /** The filter with the conditions of {@code $and} beside the others; the first on a field, where there are more. */
    static Document flat(Document filter) {
        if (!(filter.get("$and") instanceof Collection<?> conditions)) {
            return filter;
        }
        Document all = filter.clone();
        all.remove("$and");
        for (Object condition : conditions) {
            if (condition instanceof Document document) {
                document.forEach(all::putIfAbsent);
            }
        }
        return all;
    }

    /** The condition, or the value that it says a field must have. */
    static Object plain(Object condition) {
        if (condition instanceof Document operators && operators.size() == 1 && isPlain(operators.get("$eq"))) {
            return operators.get("$eq");
        }
        return condition;
    }

    static boolean isPlain(Object value) {
        return value instanceof String
                || value instanceof Number
                || value instanceof ObjectId
                || value instanceof Boolean;
    }

    private Object second(KeyValue value) {
        return value.size() > 1 ? value.get(1) : null;
    }

    /** Numbers of whatever type are the same key. */
    private static Object comparable(Object value) {
        return value instanceof Number number ? (Object) number.doubleValue() : value;
    }
}
