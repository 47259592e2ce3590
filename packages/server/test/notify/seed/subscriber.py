import json, os, redis
r = redis.Redis(host=os.getenv('REDIS_HOST','localhost'), port=int(os.getenv('REDIS_PORT','6379')), db=int(os.getenv('REDIS_DB','0')), password=os.getenv('REDIS_PASSWORD'))
ps = r.pubsub(); ps.subscribe('ingest_updates', 'embed_updates')
for m in ps.listen():
    if m['type'] != 'message':
        continue
    evt = json.loads(m['data'])  # message is a JSON string
    print('chan=', m['channel'], 'evt=', evt)
